/* J^H by products. Where a complex J has none of its own PETSc makes a Vec for a conjugate at each: it is kept here. */
#include "../private/diniengineimpl.h"

#define DINI_CONJUGATE "dini_conjugate"

/* A Vec like x for as long as there is JH; states that are nests go in as nests, or as plain vectors */
static PetscErrorCode DiniConjugateVec(Mat JH, Vec x, Vec *c)
{
  PetscBool same = PETSC_FALSE;
  VecType   type;

  PetscFunctionBegin;
  PetscCall(PetscObjectQuery((PetscObject)JH, DINI_CONJUGATE, (PetscObject *)c));
  PetscCall(VecGetType(x, &type));
  if (*c) PetscCall(PetscObjectTypeCompare((PetscObject)*c, type, &same));
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(x, c));
  PetscCall(PetscObjectCompose((PetscObject)JH, DINI_CONJUGATE, (PetscObject)*c));
  PetscCall(PetscObjectDereference((PetscObject)*c)); /* JH has it */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J^H x = conj(J^T conj(x)) */
static PetscErrorCode DiniMultConjugate(Mat JH, Vec x, Vec y)
{
  Mat            J;
  Vec            c;
  PetscInt       locks;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MatHermitianTransposeGetMat(JH, &J));
  PetscCall(DiniConjugateVec(JH, x, &c));
  PetscCall(VecCopy(x, c));
  PetscCall(VecConjugate(c));
  PetscCall(VecLockGet(c, &locks));
  failed = MatMultTranspose(J, c, y);
  PetscCall(DiniUnlock_Private(c, locks)); /* an error out of a shell leaves it locked */
  PetscCall(failed);
  PetscCall(VecConjugate(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineHermitian_Private(Mat J, Mat *JH)
{
  PetscBool own, set, hermitian, transposes;

  PetscFunctionBegin;
  PetscCall(MatCreateHermitianTranspose(J, JH));
  if (!PetscDefined(USE_COMPLEX)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatHasOperation(J, MATOP_MULT_HERMITIAN_TRANSPOSE, &own));
  PetscCall(MatHasOperation(J, MATOP_MULT_TRANSPOSE, &transposes));
  PetscCall(MatIsHermitianKnown(J, &set, &hermitian));
  if (!own && transposes && !(set && hermitian))
    PetscCall(MatSetOperation(*JH, MATOP_MULT, (void (*)(void))DiniMultConjugate));
  PetscFunctionReturn(PETSC_SUCCESS);
}
