/*
  Least squares with a null space: y of the point, and whether the rank of A stays what it is, without which there is no
  derivative. Where it does, A(m + h dm) has null vectors near those of A, which x <- x - J^{-1} A^H A(m + h dm) x finds; where it
  does not, A(m + h dm) x has a part outside the range of A that no x takes away.
*/
#include "../../private/dinikspimpl.h"

/* A solve of dF/du x = r that may fail without an error */
PetscErrorCode DiniTrySolve_KSP(Dini dini, Vec r, Vec x, PetscBool *good)
{
  const PetscBool           errors = dini->erroriffail;
  const DiniConvergedReason before = dini->reason;
  PetscErrorCode            failed;

  PetscFunctionBegin;
  dini->erroriffail = PETSC_FALSE;
  failed            = DiniLinearSolve_Private(dini, DINI_TANGENT, r, x, good);
  dini->erroriffail = errors;
  PetscCall(failed);
  if (*good) dini->reason = before;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = A z with A^H A z = u, from z without a part in N since u has none */
static PetscErrorCode DiniKernelDual_KSP(Dini dini)
{
  Dini_KSP   *ctx = (Dini_KSP *)dini->data;
  DiniKernel *k   = &ctx->kernel;
  Mat         A;
  Vec         z;
  PetscBool   good; /* else y is NaN, and nothing that is made of it is small */

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(VecDestroy(&k->y));
  PetscCall(VecDuplicate(ctx->b, &k->y));
  PetscCall(VecDuplicate(dini->u, &z));
  PetscCall(DiniLinearSolve_Private(dini, DINI_TANGENT, dini->u, z, &good));
  PetscCall(MatMult(A, z, k->y));
  PetscCall(VecDestroy(&z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* t = A(m +- h dm) x on both sides, x from n on; g and z are work. A null vector has |t| <= tiny. */
typedef struct {
  PetscReal tiny;
  Vec       dm, zero, n, x[2], t[2], g, z;
} DiniRank;

static PetscErrorCode DiniRankVisit_KSP(Dini dini, PetscReal sign, void *ctx)
{
  DiniRank *rank = (DiniRank *)ctx;
  const int side = sign > 0.0 ? 0 : 1;
  Mat       A;
  Vec       b;

  PetscFunctionBegin;
  PetscCall(DiniCurrentSystem_KSP(dini, &A, &b));
  PetscCall(MatMult(A, rank->x[side], rank->t[side]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d = A z + what is outside the range of A, by the normal equations; d becomes the latter */
static PetscErrorCode DiniOutsideRange_KSP(Dini dini, Vec d, Vec g, Vec z, PetscBool *good)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  Vec       Az;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(VecDuplicate(d, &Az));
  PetscCall(MatMultHermitianTranspose(A, d, g));
  PetscCall(DiniTrySolve_KSP(dini, g, z, good));
  PetscCall(MatMult(A, z, Az));
  PetscCall(VecAXPY(d, -1.0, Az));
  PetscCall(VecDestroy(&Az));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef enum { DINI_RANK_STAYS, DINI_RANK_CHANGES, DINI_RANK_UNKNOWN } DiniRankVerdict;

/* One step of x on one side: *verdict DINI_RANK_UNKNOWN as long as it comes nearer to a null vector. *last: |t| before */
static PetscErrorCode DiniRankStep_KSP(Dini dini, DiniRank *rank, int i, PetscReal *last, PetscBool *goeson,
                                       DiniRankVerdict *verdict)
{
  PetscReal norm, outside;
  PetscBool good;

  PetscFunctionBegin;
  *verdict = DINI_RANK_UNKNOWN;
  *goeson  = PETSC_FALSE;
  PetscCall(DiniNorm_Private(rank->t[i], &norm));
  if (norm <= rank->tiny) *verdict = DINI_RANK_STAYS;
  if (norm <= rank->tiny || PetscIsInfOrNanReal(norm)) PetscFunctionReturn(PETSC_SUCCESS); /* NaN: no A(m) there */
  PetscCall(DiniOutsideRange_KSP(dini, rank->t[i], rank->g, rank->z, &good));
  if (!good) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecAXPY(rank->x[i], -1.0, rank->z));
  PetscCall(DiniNorm_Private(rank->t[i], &outside));
  if (outside > 0.5 * norm) *verdict = DINI_RANK_CHANGES;
  *goeson = (PetscBool)(outside <= 0.5 * norm && norm <= 0.5 * *last);
  *last   = norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along h dm, both ways */
static PetscErrorCode DiniRankAlong_KSP(Dini dini, PetscReal h, DiniRank *rank, DiniRankVerdict *verdict)
{
  PetscReal last[2] = {PETSC_MAX_REAL, PETSC_MAX_REAL};
  PetscBool goeson  = PETSC_TRUE;

  PetscFunctionBegin;
  *verdict = DINI_RANK_UNKNOWN;
  for (int i = 0; i < 2; i++) PetscCall(VecCopy(rank->n, rank->x[i]));
  for (int it = 0; it < 8 && goeson; it++) {
    DiniRankVerdict side[2];
    PetscBool       on[2];

    PetscCall(DiniBeside_Private(dini, h, rank->zero, rank->dm, PETSC_FALSE, DiniRankVisit_KSP, rank));
    for (int i = 0; i < 2; i++) PetscCall(DiniRankStep_KSP(dini, rank, i, &last[i], &on[i], &side[i]));
    goeson =
        (PetscBool)((on[0] || side[0] == DINI_RANK_STAYS) && (on[1] || side[1] == DINI_RANK_STAYS) && (on[0] || on[1]));
    if (side[0] == DINI_RANK_CHANGES || side[1] == DINI_RANK_CHANGES) *verdict = DINI_RANK_CHANGES;
    else if (side[0] == DINI_RANK_STAYS && side[1] == DINI_RANK_STAYS) *verdict = DINI_RANK_STAYS;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Says so where two steps in a row say so: one may be too long for a first glance */
static PetscErrorCode DiniRankVerify_KSP(Dini dini, DiniRank *rank)
{
  static const PetscReal steps[] = {1e-3, 1e-4, 1e-5, 1e-6};
  DiniRankVerdict        verdict = DINI_RANK_UNKNOWN, before;

  PetscFunctionBegin;
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(steps); i++) {
    before = verdict;
    PetscCall(DiniRankAlong_KSP(dini, steps[i], rank, &verdict));
    if (verdict == DINI_RANK_STAYS) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCheck(
        verdict != DINI_RANK_CHANGES || before != DINI_RANK_CHANGES, PetscObjectComm((PetscObject)dini),
        PETSC_ERR_ARG_WRONG,
        "%s: The rank of A changes with the parameters: A(m + h dm) has fewer null vectors than A for a step of a "
        "relative %g, so that the least-squares solution of least norm jumps here and has no derivative. Drop "
        "the columns that become zero or dependent, or add rows that regularise",
        DiniLabel_Private(dini), (double)steps[i]);
  }
  PetscCall(PetscInfo(dini, "Whether the rank of A stays what it is could not be told\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRankDirections_KSP(Dini dini, Vec dm, Vec n)
{
  DiniKernel *k = &((Dini_KSP *)dini->data)->kernel;
  PetscReal   norm;

  PetscFunctionBegin;
  PetscCall(VecSet(dm, 0.0));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscBool active;
    Vec       m, part;

    PetscCall(DiniGetParameterActive(dini, p, &active));
    if (!active) continue;
    PetscCall(DiniGetParameter(dini, p, NULL, &m));
    PetscCall(DiniGetParameterSubVec(dini, dm, p, &part));
    PetscCall(DiniRandomDirection_Private(dini, 70 + p, m, part));
    PetscCall(DiniRestoreParameterSubVec(dini, dm, p, &part));
  }
  PetscCall(VecSet(n, 0.0));
  for (PetscInt i = 0; i < k->n; i++) PetscCall(VecAXPY(n, 1.0 + 0.37 * (PetscReal)i, k->v[i]));
  PetscCall(DiniNorm_Private(n, &norm));
  PetscCall(VecScale(n, 1.0 / norm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A block that the application has locked can not be moved */
static PetscErrorCode DiniAnyLocked_KSP(Dini dini, PetscBool *locked)
{
  PetscBool mine = PETSC_FALSE, active;
  PetscInt  n;
  Vec       m;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscCall(DiniGetParameterActive(dini, p, &active));
    PetscCall(DiniGetParameter(dini, p, NULL, &m));
    PetscCall(VecLockGet(m, &n));
    if (active && n) mine = PETSC_TRUE;
  }
  PetscCall(MPIU_Allreduce(&mine, locked, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is zero: rounding in A, or what A n is at the point for the n that are attached */
static PetscErrorCode DiniRankTiny_KSP(Dini dini, DiniRank *rank)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscReal norm;
  Mat       A;

  PetscFunctionBegin;
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatMult(A, rank->n, rank->t[0]));
  PetscCall(DiniNorm_Private(rank->t[0], &norm));
  rank->tiny = PetscMax(1e-11 * PetscSqrtReal(ctx->kernel.s), 10.0 * norm);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRankGuard_KSP(Dini dini)
{
  Dini_KSP      *ctx = (Dini_KSP *)dini->data;
  DiniRank       rank;
  Vec           *states[] = {&rank.zero, &rank.n, &rank.g, &rank.z, &rank.x[0], &rank.x[1]};
  PetscBool      locked;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniAnyLocked_KSP(dini, &locked));
  if (locked) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCreateParameterVec(dini, &rank.dm));
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(states); i++) PetscCall(VecDuplicate(dini->u, states[i]));
  for (int i = 0; i < 2; i++) PetscCall(VecDuplicate(ctx->b, &rank.t[i]));
  PetscCall(VecSet(rank.zero, 0.0));
  failed = DiniRankDirections_KSP(dini, rank.dm, rank.n);
  if (!failed) failed = DiniRankTiny_KSP(dini, &rank);
  if (!failed) failed = DiniRankVerify_KSP(dini, &rank);
  for (size_t i = 0; i < PETSC_STATIC_ARRAY_LENGTH(states); i++) PetscCall(VecDestroy(states[i]));
  for (int i = 0; i < 2; i++) PetscCall(VecDestroy(&rank.t[i]));
  PetscCall(VecDestroy(&rank.dm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  At a linearization. The rank is looked at once for each dimension of the null space: an A(m) that is analytic has the same rank
  almost everywhere, so that where it falls there are more null vectors.
*/
PetscErrorCode DiniKernelLinearized_KSP(Dini dini)
{
  Dini_KSP   *ctx = (Dini_KSP *)dini->data;
  DiniKernel *k   = &ctx->kernel;

  PetscFunctionBegin;
  if (!k->n || dini->residual) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniKernelDual_KSP(dini));
  if (!dini->guard || !ctx->assemble || !dini->nparams || k->ranked == k->n) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniRankGuard_KSP(dini));
  k->ranked = k->n;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A direction dA along which the rank of A falls apart: dA n is to lie in the range of A */
PetscErrorCode DiniKernelDirection_KSP(Dini dini, Mat dA)
{
  Dini_KSP   *ctx = (Dini_KSP *)dini->data;
  DiniKernel *k   = &ctx->kernel;
  PetscReal   size, norm, outside = 0.0;
  PetscBool   good = PETSC_TRUE;
  Vec         n, g, z, d;

  PetscFunctionBegin;
  if (!dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecDuplicate(dini->u, &n));
  PetscCall(VecDuplicate(dini->u, &g));
  PetscCall(VecDuplicate(dini->u, &z));
  PetscCall(VecDuplicate(ctx->b, &d));
  PetscCall(VecSet(n, 0.0));
  PetscCall(DiniRandomDirection_Private(dini, 34, n, n));
  PetscCall(MatMult(dA, n, d));
  PetscCall(DiniNorm_Private(n, &norm));
  PetscCall(DiniNorm_Private(d, &size));
  if (norm > 0.0) size /= norm;
  for (PetscInt i = 0; i < k->n && good; i++) {
    PetscCall(MatMult(dA, k->v[i], d));
    PetscCall(DiniNorm_Private(d, &norm));
    if (norm <= 1e-12 * size) continue;
    PetscCall(DiniOutsideRange_KSP(dini, d, g, z, &good));
    PetscCall(DiniNorm_Private(d, &norm));
    if (good) outside = PetscMax(outside, norm);
  }
  PetscCall(VecDestroy(&n));
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&d));
  PetscCheck(
      outside <= 1e-6 * size, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: The rank of A changes along dA: a null vector n of A has a part %g of dA n outside the range of A, where "
      "the size of dA is %g, so that the least-squares solution of least norm has no derivative along it",
      DiniLabel_Private(dini), (double)outside, (double)size);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Second derivatives of F are right where N does not turn with the parameters: else y and N, which F holds fixed, have first
  derivatives of their own.
*/
PetscErrorCode DiniKernelStays_KSP(Dini dini, Mat A)
{
  Dini_KSP   *ctx = (Dini_KSP *)dini->data;
  DiniKernel *k   = &ctx->kernel;
  PetscReal   norm, worst = 0.0;
  Vec         d;

  PetscFunctionBegin;
  PetscCall(VecDuplicate(ctx->b, &d));
  for (PetscInt i = 0; i < k->n; i++) {
    PetscCall(MatMult(A, k->v[i], d));
    PetscCall(DiniNorm_Private(d, &norm));
    worst = PetscMax(worst, norm);
  }
  PetscCall(VecDestroy(&d));
  PetscCheck(
      worst <= 1e-10 * PetscSqrtReal(k->s), PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s: The null space of A turns with the parameters, and of a least-squares solution of least norm there are "
      "first derivatives only then; take -dini_hessian_type gauss_newton, or difference gradients",
      DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
