/*
  Does an eigenvalue of J pass through zero within a step, and how do those that do not grow or shrink?

  G = J(new)^{-1} J(old) has the ratios lambda(old) / lambda(new) for eigenvalues, one by one where the eigenvectors stay, and a
  real negative one if and only if a real eigenvalue of J passes through zero on the straight way from the one to the other:
  det G < 0 for an odd number of them. Rows of F may have any units, and what does not depend on m, such as boundary rows,
  has the ratio 1, however much of it there is. The ratios farthest out, those which pass and those which shrink, are what
  Arnoldi's method finds first; J(new)^{-1} is a tangent solve on the preconditioner at hand.
*/
#include "../private/dinicontinuationimpl.h"
#include "../private/dinicallimpl.h"

#define DINI_CROSSING_KRYLOV 30    /* most tangent solves for a step */
#define DINI_CROSSING_LEAST  3     /* so many at least, unless the Krylov space is exhausted */
#define DINI_CROSSING_ALL    1e-12 /* of the first residual: the Krylov space is exhausted, and more of it rounding */
#define DINI_CROSSING_DROP   1e-4  /* so much less is left of the first vector: what has a part in it has been seen */
#define DINI_CROSSING_SETTLE 0.1   /* a ratio that changes by less than this part of itself has been found */

typedef struct {
  Dini      dini;
  DiniPath *path;
  PetscBool failed;             /* a tangent solve has */
  PetscReal lowest[2], highest; /* ratios: the one with the smallest real part, and the largest real one */
  PetscInt  settled;            /* for so many steps */
  PetscReal first;              /* residual norm */
} DiniCrossing;

/* Where the product with J at the latest point is made while the Dini stands at the trial */
typedef struct {
  Vec v, y;
} DiniBeforeProduct;

static PetscErrorCode DiniBeforeVisit(Dini dini, PetscReal sign, void *ctx)
{
  DiniBeforeProduct *product = (DiniBeforeProduct *)ctx;

  PetscFunctionBegin;
  if (sign > 0.0) PetscCall(DiniDifferenceMult_Private(dini, product->v, product->y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J(old) v */
static PetscErrorCode DiniBeforeMult(DiniCrossing *c, Vec v, Vec y)
{
  DiniPath         *path = c->path;
  DiniBeforeProduct product;
  Vec               du, dm;
  PetscErrorCode    failed;

  PetscFunctionBegin;
  if (path->before) {
    PetscCall(MatMult(path->before, v, y));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  product.v = v;
  product.y = y;
  PetscCall(VecDuplicate(path->u, &du));
  PetscCall(VecDuplicate(path->dm, &dm));
  PetscCall(VecWAXPY(du, -1.0, path->trial.u, path->point[0].u));
  PetscCall(VecAXPY(dm, path->point[0].m - path->trial.m, path->dm));
  failed = DiniBeside_Private(c->dini, 1.0, du, dm, PETSC_FALSE, DiniBeforeVisit, &product);
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&dm));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCrossingMult(Mat G, Vec v, Vec y)
{
  DiniCrossing *c;
  PetscBool     good;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(G, &c));
  PetscCall(DiniBeforeMult(c, v, c->path->w[0]));
  PetscCall(DiniTangentSolve_Private(c->dini, c->path->w[0], c->path->w[1], &good));
  PetscCall(VecCopy(c->path->w[1], y));
  if (!good) c->failed = PETSC_TRUE;
  if (c->failed) PetscCall(VecSet(y, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The ratios known so far; true when the lowest one is no longer on the move */
static PetscErrorCode DiniCrossingRatios(KSP ksp, PetscInt n, DiniCrossing *c, PetscBool *settled)
{
  PetscReal re[DINI_CROSSING_KRYLOV], im[DINI_CROSSING_KRYLOV], before = c->lowest[0];
  PetscInt  found;

  PetscFunctionBegin;
  PetscCall(KSPComputeEigenvalues(ksp, PetscMin(n, DINI_CROSSING_KRYLOV), re, im, &found));
  c->lowest[0] = PETSC_INFINITY;
  c->lowest[1] = 0.0;
  c->highest   = 0.0;
  for (PetscInt i = 0; i < found; i++) {
    if (re[i] < c->lowest[0]) {
      c->lowest[0] = re[i];
      c->lowest[1] = im[i];
    }
    if (PetscAbsReal(im[i]) <= 1e-3 * PetscAbsReal(re[i])) c->highest = PetscMax(c->highest, re[i]);
  }
  if (PetscAbsReal(c->lowest[0] - before) <= DINI_CROSSING_SETTLE * PetscAbsReal(c->lowest[0])) c->settled++;
  else c->settled = 0;
  *settled = (PetscBool)(n >= DINI_CROSSING_LEAST && c->settled > 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A KSPConvergenceTest: the Krylov space is wanted, not the solution */
static PetscErrorCode DiniCrossingStop(KSP ksp, PetscInt it, PetscReal rnorm, KSPConvergedReason *reason, void *ctx)
{
  DiniCrossing *c = (DiniCrossing *)ctx;
  PetscBool     settled;

  PetscFunctionBegin;
  *reason = KSP_CONVERGED_ITERATING;
  if (it == 0) c->first = rnorm;
  if (c->failed || rnorm <= DINI_CROSSING_ALL * c->first || it >= c->dini->N) *reason = KSP_CONVERGED_ITS;
  if (*reason || it < 1) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCrossingRatios(ksp, it, c, &settled));
  if ((settled && rnorm <= DINI_CROSSING_DROP * c->first) || it >= DINI_CROSSING_KRYLOV) *reason = KSP_CONVERGED_ITS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCrossingArnoldi(DiniCrossing *c)
{
  Dini           dini = c->dini;
  KSP            ksp;
  PC             pc;
  Mat            G;
  Vec            b, x;
  PetscInt       its;
  PetscBool      settled;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, c, &G));
  PetscCall(MatShellSetOperation(G, MATOP_MULT, (void (*)(void))DiniCrossingMult));
  PetscCall(VecDuplicate(c->path->u, &b));
  PetscCall(VecDuplicate(c->path->u, &x));
  PetscCall(
      DiniRandomDirection_Private(dini, 31, c->path->size, b)); /* leans to no subspace, and to no u that is zero */
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)dini), &ksp));
  PetscCall(KSPSetOperators(ksp, G, G));
  PetscCall(KSPSetType(ksp, KSPGMRES));
  PetscCall(KSPGMRESSetRestart(ksp, DINI_CROSSING_KRYLOV));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetComputeEigenvalues(ksp, PETSC_TRUE));
  PetscCall(KSPSetConvergenceTest(ksp, DiniCrossingStop, c, NULL));
  PetscCall(KSPSetTolerances(ksp, PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT, DINI_CROSSING_KRYLOV));
  failed = KSPSolve(ksp, b, x);
  PetscCall(KSPGetIterationNumber(ksp, &its));
  if (!failed && !c->failed && its > 0) failed = DiniCrossingRatios(ksp, its, c, &settled);
  PetscCall(KSPDestroy(&ksp));
  PetscCall(MatDestroy(&G));
  PetscCall(VecDestroy(&b));
  PetscCall(VecDestroy(&x));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Keeps J of the latest point, where it can be copied: later products with it cost no evaluation of F */
PetscErrorCode DiniPathHold_Private(Dini dini, DiniPath *path)
{
  Mat       J;
  PetscBool copies = PETSC_FALSE;
  PetscInt  N      = -1;

  PetscFunctionBegin;
  PetscCall(MatDestroy(&path->before));
  if (dini->linearsolve[DINI_TANGENT]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGetJacobian(dini, &J, NULL));
  if (J) PetscCall(DiniMatCopies_Private(J, &copies));
  if (J) PetscCall(MatGetSize(J, &N, NULL)); /* on an active set it has fewer rows */
  if (copies && N == dini->N) PetscCall(MatDuplicate(J, MAT_COPY_VALUES, &path->before));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Between the latest point and the trial, where the Dini stands: does J turn singular, and where, by a straight line? *ratio is
  that of the eigenvalue which shrinks most.
*/
PetscErrorCode DiniPathCrossing_Private(Dini dini, DiniPath *path, PetscBool *converged, PetscBool *crosses,
                                        PetscReal *ratio)
{
  DiniCrossing c = {.dini = dini, .path = path, .lowest = {PETSC_INFINITY, 0.0}};
  PetscReal    rtol, re, im, part;

  PetscFunctionBegin;
  PetscCall(DiniCrossingArnoldi(&c));
  PetscCall(DiniGetTolerances(dini, &rtol, NULL));
  re         = c.lowest[0];
  im         = c.lowest[1];
  *converged = (PetscBool)!c.failed;
  *ratio     = c.highest;
  *crosses   = (PetscBool)(*converged && re < 10.0 * rtol * PetscMax(1.0, c.highest));
  part       = (re * (re - 1.0) + im * im) / (PetscSqr(re - 1.0) + PetscSqr(im)); /* Re g / (g - 1) */
  if (*crosses) path->turn = path->point[0].m + (path->trial.m - path->point[0].m) * PetscMin(1.0, PetscMax(0.0, part));
  PetscCall(PetscInfo(dini, "Continuation: eigenvalues of J change by factors of %g to %g\n", (double)(1.0 / c.highest),
                      (double)(1.0 / re)));
  PetscFunctionReturn(PETSC_SUCCESS);
}
