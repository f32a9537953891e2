/* States that are nests, in linear solves: matrices with entries of their own, and their solvers, take plain vectors. */
#include "../private/diniengineimpl.h"

/* May J be multiplied with columns of dense matrices? A nest of matrices or a shell may ask for the parts of a state. */
PetscErrorCode DiniEngineTakesPlain_Private(DiniEngine e, PetscBool *plain)
{
  Vec       v;
  PetscBool nest;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(e->u, &nest));
  *plain = (PetscBool)!nest;
  if (!nest || !e->J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCreateFor_Private(e->J, e->u, &v));
  PetscCall(DiniIsNest_Private(v, &nest));
  PetscCall(VecDestroy(&v));
  *plain = (PetscBool)!nest;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* KSPSolve() with what J takes */
PetscErrorCode DiniEngineKSPSolve_Private(DiniEngine e, KSP ksp, Vec b, Vec x)
{
  PetscBool      nest;
  Vec            c = b, y = x;
  PC             pc;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(b, &nest));
  if (nest) {
    PetscCall(DiniCreateFor_Private(e->J, b, &c));
    PetscCall(DiniCopy_Private(b, c));
    PetscCall(VecDuplicate(c, &y));
  }
  failed = KSPSolve(ksp, c, y);
  if (failed) {
    PetscCall(KSPGetPC(ksp, &pc));
    PetscCall(DiniGiveBack_Private(pc));
  }
  if (nest && !failed) failed = DiniCopy_Private(y, x);
  if (nest) {
    PetscCall(VecDestroy(&c));
    PetscCall(VecDestroy(&y));
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* PCApply() or PCApplyTranspose() with what the matrix of the preconditioner takes */
PetscErrorCode DiniEnginePCApply_Private(PC pc, PetscBool transpose, Vec x, Vec y)
{
  PetscBool      nests[2];
  Vec            c = x, d = y;
  Mat            P;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniIsNest_Private(x, &nests[0]));
  PetscCall(DiniIsNest_Private(y, &nests[1]));
  PetscCall(PCGetOperators(pc, NULL, &P));
  if (nests[0]) PetscCall(DiniCreateFor_Private(P, x, &c));
  if (nests[0]) PetscCall(DiniCopy_Private(x, c));
  if (nests[1]) PetscCall(DiniCreateFor_Private(P, y, &d));
  failed = transpose ? PCApplyTranspose(pc, c, d) : PCApply(pc, c, d);
  if (failed) PetscCall(DiniGiveBack_Private(pc));
  if (nests[1] && !failed) failed = DiniCopy_Private(d, y);
  if (nests[0]) PetscCall(VecDestroy(&c));
  if (nests[1]) PetscCall(VecDestroy(&d));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
