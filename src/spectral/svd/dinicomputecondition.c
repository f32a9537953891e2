/*
  The smallest singular value of J, by Lanczos' method on (J^H J)^{-1} = J^{-1} J^{-H}: an adjoint and a tangent solve on the
  preconditioner that there is, each verified like any other. The largest by products with J^H J.
*/
#include "../../private/diniimpl.h"
#include <dinislepc.h>

#define DINI_CONDITION_TOL     1e-8 /* of 1/sigma_min^2 */
#define DINI_CONDITION_NORMTOL 1e-3 /* of sigma_max^2 */
#define DINI_CONDITION_RTOL    1e-6 /* accepted residuals of the singular vectors, relative to sigma_min */

typedef struct {
  Dini         dini;
  Mat          J;
  MatNullSpace null; /* of J: the value is that on its complement */
  Vec          w;
  PetscBool    failed; /* a linear solve has */
} DiniSpectrum;

/* Directions that J does not act on: the active set of a variational inequality, and a null space */
static PetscErrorCode DiniProject_Condition(DiniSpectrum *s, Vec v)
{
  PetscFunctionBegin;
  PetscCall(DiniFilterProject_Private(s->dini, v));
  if (s->null) PetscCall(MatNullSpaceRemove(s->null, v));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* x = J^{-1} b or J^{-H} b, zero from the first solve on that fails */
static PetscErrorCode DiniSolve_Condition(DiniSpectrum *s, DiniDirection direction, Vec b, Vec x)
{
  PetscBool good = PETSC_FALSE;

  PetscFunctionBegin;
  if (!s->failed) PetscCall(DiniLinearSolve_Private(s->dini, direction, b, x, &good));
  if (!good) s->failed = PETSC_TRUE;
  if (s->failed) PetscCall(VecSet(x, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J^{-1} J^{-H} x */
static PetscErrorCode DiniInverse_Condition(Mat A, Vec x, Vec y)
{
  DiniSpectrum *s;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &s));
  PetscCall(VecCopy(x, y));
  PetscCall(PetscObjectStateIncrease((PetscObject)y)); /* VecCopy() takes cached norms along, rank by rank */
  PetscCall(DiniProject_Condition(s, y));
  PetscCall(DiniSolve_Condition(s, DINI_ADJOINT, y, s->w));
  PetscCall(DiniSolve_Condition(s, DINI_TANGENT, s->w, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = J^H J x */
static PetscErrorCode DiniProduct_Condition(Mat A, Vec x, Vec y)
{
  DiniSpectrum *s;

  PetscFunctionBegin;
  PetscCall(MatShellGetContext(A, &s));
  PetscCall(VecCopy(x, y));
  PetscCall(PetscObjectStateIncrease((PetscObject)y));
  PetscCall(DiniProject_Condition(s, y));
  PetscCall(MatMult(s->J, y, s->w));
  PetscCall(DiniFilterProject_Private(s->dini, s->w));
  PetscCall(MatMultHermitianTranspose(s->J, s->w, y));
  PetscCall(DiniProject_Condition(s, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An extreme eigenpair of a Hermitian shell */
static PetscErrorCode DiniPair_Condition(DiniSpectrum *s, PetscErrorCode (*mult)(Mat, Vec, Vec), EPSWhich which,
                                         EPSConv conv, PetscReal tol, Vec v, PetscBool *found)
{
  Dini     dini = s->dini;
  Mat      A;
  EPS      eps;
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, dini->n, dini->N, dini->N, s, &A));
  PetscCall(MatShellSetOperation(A, MATOP_MULT, (void (*)(void))mult));
  PetscCall(EPSCreate(PetscObjectComm((PetscObject)dini), &eps));
  PetscCall(EPSSetOperators(eps, A, NULL));
  PetscCall(EPSSetProblemType(eps, EPS_HEP));
  PetscCall(EPSSetType(eps, EPSKRYLOVSCHUR));
  PetscCall(EPSSetWhichEigenpairs(eps, which));
  PetscCall(EPSSetConvergenceTest(eps, conv));
  PetscCall(EPSSetTolerances(eps, tol, 100));
  PetscCall(EPSSolve(eps));
  PetscCall(EPSGetConverged(eps, &n));
  *found = (PetscBool)(n > 0);
  if (*found) PetscCall(EPSGetEigenpair(eps, 0, NULL, NULL, v, NULL));
  PetscCall(EPSDestroy(&eps));
  PetscCall(MatDestroy(&A));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |J v| / |v| */
static PetscErrorCode DiniStretch_Condition(DiniSpectrum *s, Vec v, PetscReal *stretch)
{
  PetscReal norm;

  PetscFunctionBegin;
  PetscCall(DiniProject_Condition(s, v));
  PetscCall(DiniNorm_Private(v, &norm));
  PetscCall(MatMult(s->J, v, s->w));
  PetscCall(DiniFilterProject_Private(s->dini, s->w));
  PetscCall(DiniNorm_Private(s->w, stretch));
  *stretch = norm > 0.0 ? *stretch / norm : 0.0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* From v near the right vector: left = J^{-H} v and right = J^{-1} left, both of length one, and their residuals */
static PetscErrorCode DiniTriplet_Condition(DiniSpectrum *s, Vec v)
{
  DiniCondition *c = &s->dini->condition;
  PetscReal      norm, miss[2], floor;

  PetscFunctionBegin;
  PetscCall(DiniProject_Condition(s, v));
  PetscCall(DiniSolve_Condition(s, DINI_ADJOINT, v, c->left));
  PetscCall(DiniNorm_Private(c->left, &norm));
  if (s->failed || !(norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(c->left, 1.0 / norm));
  PetscCall(DiniSolve_Condition(s, DINI_TANGENT, c->left, c->right));
  PetscCall(DiniNorm_Private(c->right, &norm));
  if (s->failed || !(norm > 0.0)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecScale(c->right, 1.0 / norm));
  c->smin = 1.0 / norm;
  PetscCall(MatMult(s->J, c->right, s->w)); /* J v - sigma u */
  PetscCall(DiniFilterProject_Private(s->dini, s->w));
  PetscCall(VecAXPY(s->w, -c->smin, c->left));
  PetscCall(DiniNorm_Private(s->w, &miss[0]));
  PetscCall(MatMultHermitianTranspose(s->J, c->left, s->w)); /* J^H u - sigma v */
  PetscCall(DiniFilterProject_Private(s->dini, s->w));
  PetscCall(VecAXPY(s->w, -c->smin, c->right));
  PetscCall(DiniNorm_Private(s->w, &miss[1]));
  floor       = 100.0 * PETSC_MACHINE_EPSILON * c->smax;
  c->verified = (PetscBool)(PetscMax(miss[0], miss[1]) <= DINI_CONDITION_RTOL * c->smin + floor);
  PetscCall(PetscInfo(s->dini, "Singular value %g of J: |J v - s u| = %g, |J^H u - s v| = %g, %s\n", (double)c->smin,
                      (double)miss[0], (double)miss[1], c->verified ? "verified" : "refused"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without inverse iteration any |J v| / |v| bounds sigma_min from above: that of Lanczos' method on J^H J, if it has one */
static PetscErrorCode DiniBound_Condition(DiniSpectrum *s, Vec v)
{
  static const PetscReal tols[] = {1e-12, 1e-4}; /* of sigma_max^2; what is far from convergence still is a bound */
  DiniCondition         *c      = &s->dini->condition;
  PetscBool              found  = PETSC_FALSE;
  PetscReal              stretch;

  PetscFunctionBegin;
  c->smin = c->smax;
  PetscCall(VecDestroy(&c->left));
  PetscCall(VecDestroy(&c->right));
  for (int k = 0; k < 2 && !found && c->smax > 0.0; k++)
    PetscCall(DiniPair_Condition(s, DiniProduct_Condition, EPS_SMALLEST_REAL, EPS_CONV_ABS, tols[k] * c->smax * c->smax,
                                 v, &found));
  if (!found) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniStretch_Condition(s, v, &stretch));
  c->smin = PetscMin(c->smin, stretch);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniValues_Condition(DiniSpectrum *s, Vec v, Vec vmin)
{
  Dini           dini = s->dini;
  DiniCondition *c    = &dini->condition;
  PetscBool      smallest, largest;
  Mat            P;

  PetscFunctionBegin;
  PetscCall(DiniPair_Condition(s, DiniInverse_Condition, EPS_LARGEST_REAL, EPS_CONV_REL, DINI_CONDITION_TOL, vmin,
                               &smallest));
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &s->J, &P)); /* the solves may have assembled it */
  PetscCall(DiniPair_Condition(s, DiniProduct_Condition, EPS_LARGEST_REAL, EPS_CONV_REL, DINI_CONDITION_NORMTOL, v,
                               &largest));
  if (!largest) { /* a bound from below */
    PetscCall(VecSet(v, 0.0));
    PetscCall(DiniRandomDirection_Private(dini, 41, v, v));
  }
  PetscCall(DiniStretch_Condition(s, v, &c->smax));
  if (smallest && !s->failed) PetscCall(DiniTriplet_Condition(s, vmin));
  if (!c->verified) PetscCall(DiniBound_Condition(s, v));
  if (!largest) c->verified = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPrepare_Condition(Dini dini, DiniSpectrum *s)
{
  DiniCondition *c = &dini->condition;
  Mat            P;

  PetscFunctionBegin;
  PetscCall(PetscMemzero(s, sizeof(*s)));
  s->dini = dini;
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &s->J, &P));
  PetscCheck(s->J && !dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s, of type \"%s\", has no Jacobian whose singular values could be told: %s", DiniLabel_Private(dini),
             ((PetscObject)dini)->type_name,
             s->J ? "that of an eigenproblem is singular"
                  : "only the application's own linear solves know it; call DiniSetJacobian()");
  PetscCall(SlepcInitialize(NULL, NULL, NULL, NULL)); /* the application need not know SLEPc; nothing where it does */
  PetscCall(MatGetNullSpace(s->J, &s->null));
  PetscCall(DiniConditionReset_Private(dini));
  PetscCall(VecDuplicate(dini->u, &c->left));
  PetscCall(VecDuplicate(dini->u, &c->right));
  PetscCall(VecDuplicate(dini->u, &s->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the point, which is linearized. A linear solve that fails does not raise an error here, but makes smin a bound. */
PetscErrorCode DiniCondition_SLEPc(Dini dini)
{
  const DiniConvergedReason reason   = dini->reason;
  const PetscReal           lastnorm = dini->lastnorm, lastrelative = dini->lastrelative, lasterror = dini->lasterror;
  const PetscBool           erroriffail = dini->erroriffail;
  DiniCondition            *c           = &dini->condition;
  DiniSpectrum              s;
  Vec                       v, vmin;
  PetscErrorCode            failed;

  PetscFunctionBegin;
  PetscCall(DiniPrepare_Condition(dini, &s));
  PetscCall(VecDuplicate(dini->u, &v));
  PetscCall(VecDuplicate(dini->u, &vmin));
  c->verified        = PETSC_FALSE;
  c->busy            = PETSC_TRUE;
  dini->erroriffail  = PETSC_FALSE;
  failed             = DiniValues_Condition(&s, v, vmin);
  c->busy            = PETSC_FALSE;
  dini->erroriffail  = erroriffail;
  dini->reason       = reason;
  dini->lastnorm     = lastnorm;
  dini->lastrelative = lastrelative;
  dini->lasterror    = lasterror;
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&vmin));
  PetscCall(VecDestroy(&s.w));
  PetscCall(failed);
  c->point = dini->point;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCopySingular_Condition(Dini dini, Vec from, Vec to, const char what[])
{
  PetscFunctionBegin;
  if (!to) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCheckState_Private(dini, to, what));
  PetscCall(VecCopy(from, to));
  PetscCall(PetscObjectStateIncrease((PetscObject)to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Computes the smallest and the largest singular value of J = dF/du at the solution, with the singular vectors of the
  smallest.
  @level{intermediate}

  Collective. sigma_min is the distance, in the 2-norm, to the nearest singular matrix, sigma_min / sigma_max that distance
  relative to |J|, and its reciprocal the condition number. Near a fold or a bifurcation sigma_min goes to zero, and the
  right vector is the direction in which the solution is about to break loose. Found by inverse iteration (Lanczos) on
  tangent and adjoint solves, and verified: |J v - sigma u| and |J^H u - sigma v| are at most 1e-6 sigma, beyond rounding. With
  a null space attached to J, on its complement; for a variational inequality, on the inactive set.

  The values of a point are kept: a second call there costs nothing.

  @param[in]  dini      the Dini, after DiniSolve() or DiniAttach()
  @param[out] sigma_min smallest singular value, in units of F per unit of u; may be NULL
  @param[out] sigma_max largest one, to 1e-3; may be NULL
  @param[out] left      u with J^H u = sigma_min v, of length one, layout of the state; may be NULL
  @param[out] right     v with J v = sigma_min u, of length one, layout of the state; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED, with a bound for sigma_min, when a linear solve fails or the
          vectors do not pass; PETSC_ERR_SUP without a J, and for eigenproblems

  Option: `-dini_condition` prints the values after each linearization, as bounds where they can not be verified.
*/
PetscErrorCode DiniComputeCondition(Dini dini, PetscReal *sigma_min, PetscReal *sigma_max, Vec left, Vec right)
{
  DiniCondition *c;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  c = &dini->condition;
  PetscCall(DiniLinearize_Private(dini));
  if (c->point != dini->point) PetscCall(DiniCondition_SLEPc(dini));
  PetscCheck(
      c->verified, PetscObjectComm((PetscObject)dini), PETSC_ERR_NOT_CONVERGED,
      "%s: The smallest singular value of J is not known to its tolerance, because inverse iteration fails: it is at "
      "most %g, where the largest is %g. J may be singular to rounding; look at the linear solves with "
      "-dini_monitor",
      DiniLabel_Private(dini), (double)c->smin, (double)c->smax);
  if (sigma_min) *sigma_min = c->smin;
  if (sigma_max) *sigma_max = c->smax;
  PetscCall(DiniCopySingular_Condition(dini, c->left, left, "The left singular vector"));
  PetscCall(DiniCopySingular_Condition(dini, c->right, right, "The right singular vector"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreate_Condition(Dini dini)
{
  PetscFunctionBegin;
  dini->condition.compute = DiniCondition_SLEPc;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniFeature DiniFeatureCondition = {.name = "condition", .create = DiniCreate_Condition};
