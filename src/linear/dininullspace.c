/*
  Null spaces. Where J N = 0 and J^H W = 0 the solution is known up to N and lambda up to W, so that derivatives are those
  of the part of u orthogonal to N: results are projected, and right-hand sides that no solution can meet are refused. The
  projection also makes them the same on any number of ranks, which a Krylov method by itself does not.
*/
#include "../private/diniengineimpl.h"

static PetscErrorCode DiniConjugateNullSpace(MatNullSpace from, MatNullSpace *to)
{
  PetscBool  constant;
  PetscInt   n;
  const Vec *vecs;
  Vec       *copies = NULL;

  PetscFunctionBegin;
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(PetscObjectReference((PetscObject)from));
    *to = from;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(MatNullSpaceGetVecs(from, &constant, &n, &vecs));
  if (n) PetscCall(VecDuplicateVecs(vecs[0], n, &copies));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(VecCopy(vecs[i], copies[i]));
    PetscCall(VecConjugate(copies[i]));
  }
  PetscCall(MatNullSpaceCreate(PetscObjectComm((PetscObject)from), constant, n, copies, to));
  if (n) PetscCall(VecDestroyVecs(n, &copies));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The part of v in the null space, relative to v; v is left projected */
static PetscErrorCode DiniRemove(MatNullSpace null, Vec v, Vec work, PetscReal *part)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(VecCopy(v, work));
  PetscCall(MatNullSpaceRemove(null, v));
  PetscCall(PetscObjectStateIncrease((PetscObject)v));
  PetscCall(VecAXPY(work, -1.0, v));
  PetscCall(DiniNorm_Private(work, part));
  PetscCall(DiniNorm_Private(v, &norm));
  *part /= PetscMax(PETSC_SMALL * PETSC_SMALL, PetscSqrtReal(norm * norm + *part * *part));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |A n| / (|A| |n|) for a random n in the null space: zero to rounding where the space is one of A */
static PetscErrorCode DiniOutside(DiniEngine e, DiniDirection direction, MatNullSpace null, PetscReal *outside)
{
  Vec       v, w;
  PetscReal vnorm, wnorm, scale;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(e->b, &v));
  PetscCall(VecDuplicate(e->b, &w));
  PetscCall(VecSet(w, 0.0));
  PetscCall(DiniRandom_Private(21, v));
  PetscCall(DiniEngineMult_Private(e, direction, v, w));
  PetscCall(DiniNorm_Private(v, &vnorm));
  PetscCall(DiniNorm_Private(w, &scale));
  scale /= vnorm;
  /* v - (v projected) lies in the null space */
  PetscCall(VecCopy(v, w));
  PetscCall(MatNullSpaceRemove(null, w));
  PetscCall(VecAYPX(w, -1.0, v));
  PetscCall(DiniNorm_Private(w, &vnorm));
  PetscCall(DiniEngineMult_Private(e, direction, w, v));
  PetscCall(DiniNorm_Private(v, &wnorm));
  *outside = vnorm > 0.0 && scale > 0.0 ? wnorm / (scale * vnorm) : 0.0;
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is attached must be a null space: results are projected, and would lose what a wrong one takes from them. */
static PetscErrorCode DiniGuardNullSpace(DiniEngine e, DiniDirection direction)
{
  MatNullSpace null = e->null[direction];
  PetscReal    outside;
  PetscBool    has = PETSC_TRUE;

  PetscFunctionBegin;
  if (!e->terms.guard || !null) PetscFunctionReturn(PETSC_SUCCESS);
  if (direction == DINI_ADJOINT) PetscCall(DiniHasAdjoint_Private(e->J, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniOutside(e, direction, null, &outside));
  PetscCheck(
      outside <= 1e-6, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_INCOMP,
      "%s: The null space attached with %s is not one of %s: a vector n in it has |%s n| = %g |J| |n|. Attach the "
      "right one, or none; vectors that only help a multigrid preconditioner go to MatSetNearNullSpace()",
      e->terms.label, direction == DINI_TANGENT ? "MatSetNullSpace()" : "MatSetTransposeNullSpace()",
      direction == DINI_TANGENT ? "J" : "its transpose", direction == DINI_TANGENT ? "J" : "J^H", (double)outside);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Finds the pair at a new point: MatSetNullSpace() and MatSetTransposeNullSpace() of J, or of P. */
PetscErrorCode DiniEngineNullSpaces_Private(DiniEngine e)
{
  MatNullSpace right, left;
  PetscReal    outside;
  PetscBool    has;

  PetscFunctionBegin;
  for (int d = 0; d < 2; d++) PetscCall(MatNullSpaceDestroy(&e->null[d]));
  PetscCall(MatGetNullSpace(e->J, &right));
  if (!right) PetscCall(MatGetNullSpace(e->P, &right));
  if (!right) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectReference((PetscObject)right));
  e->null[DINI_TANGENT] = right;
  PetscCall(DiniGuardNullSpace(e, DINI_TANGENT));
  PetscCall(MatGetTransposeNullSpace(e->J, &left));
  if (!left) PetscCall(MatGetTransposeNullSpace(e->P, &left));
  if (left) {
    PetscCall(DiniConjugateNullSpace(left, &e->null[DINI_ADJOINT]));
    PetscCall(DiniGuardNullSpace(e, DINI_ADJOINT));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniHasAdjoint_Private(e->J, &has));
  if (!has) PetscFunctionReturn(PETSC_SUCCESS); /* no adjoint solve will come */
  PetscCall(DiniOutside(e, DINI_ADJOINT, right, &outside));
  PetscCheck(
      outside <= 1e-8, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_INCOMP,
      "%s: The Jacobian carries a null space, and its transpose has another one, which adjoint solves need: attach it "
      "with MatSetTransposeNullSpace()",
      e->terms.label);
  PetscCall(PetscObjectReference((PetscObject)right));
  e->null[DINI_ADJOINT] = right;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A right-hand side of J x = b must be orthogonal to null(J^H), one of J^H x = b to null(J). *projected is b itself, or a
  copy without the rounding that lies in that space.
*/
PetscErrorCode DiniEngineCompatible_Private(DiniEngine e, DiniDirection direction, Vec b, Vec *projected)
{
  PetscReal part, allowed = PetscMax(1e-8, 10.0 * e->rtol[direction]);

  PetscFunctionBegin;
  *projected = b;
  if (!e->J || !e->null[!direction]) PetscFunctionReturn(PETSC_SUCCESS);
  if (!e->projected) PetscCall(VecDuplicate(e->b, &e->projected));
  PetscCall(VecCopy(b, e->projected));
  PetscCall(DiniRemove(e->null[!direction], e->projected, e->b, &part));
  if (direction == DINI_ADJOINT)
    PetscCheck(
        part <= allowed, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_INCOMP,
        "%s: The cotangent ubar has a relative component %g in the null space of J, which F(u, m) = 0 leaves free: "
        "what "
        "it measures is not determined by m. Take an objective that does not see that part of u, or project ubar "
        "with MatNullSpaceRemove()",
        e->terms.label, (double)part);
  else
    PetscCheck(
        part <= allowed, PetscObjectComm((PetscObject)e), PETSC_ERR_ARG_INCOMP,
        "%s: The right-hand side has a relative component %g outside the range of the singular J, so J x = r has no "
        "solution: along this direction F(u, m) = 0 can not be kept",
        e->terms.label, (double)part);
  *projected = e->projected;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x, a solution of the direction's system, without what its null space adds */
PetscErrorCode DiniEngineProject_Private(DiniEngine e, DiniDirection direction, Vec x)
{
  MatNullSpace null = e->null[direction];

  PetscFunctionBegin;
  if (!null) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNullSpaceRemove(null, x));
  PetscCall(PetscObjectStateIncrease((PetscObject)x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The null spaces that the application has attached to the given matrix are those of J */
PetscErrorCode DiniCopyNullSpaces_Private(Mat from, Mat to)
{
  MatNullSpace null;

  PetscFunctionBegin;
  if (!from) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetNullSpace(from, &null));
  if (null) PetscCall(MatSetNullSpace(to, null));
  PetscCall(MatGetTransposeNullSpace(from, &null));
  if (null) PetscCall(MatSetTransposeNullSpace(to, null));
  PetscCall(MatGetNearNullSpace(from, &null));
  if (null) PetscCall(MatSetNearNullSpace(to, null));
  PetscFunctionReturn(PETSC_SUCCESS);
}
