/* A new type, "heron": F(u, m) = u^2 - m, entry by entry, whose root Heron's rule finds, u <- (u + m / u) / 2. */
#include "outside.h"

typedef struct {
  PetscInt maxit;
  Mat      J; /* 2 diag(u) */
} Heron;

/* The one block of parameters */
static PetscErrorCode HeronParameter(Dini dini, Vec *m)
{
  PetscInt n;

  PetscFunctionBegin;
  PetscCall(DiniGetNumberParameters(dini, &n));
  PetscCheck(n == 1, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "Type \"heron\" has one block of parameters, the m of u^2 = m; call DiniAddParameter() once");
  PetscCall(DiniGetParameter(dini, 0, NULL, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUp_Heron(Dini dini)
{
  Vec m;

  PetscFunctionBegin;
  PetscCall(HeronParameter(dini, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniResidual_Heron(Dini dini, Vec u, Vec F)
{
  Vec m;

  PetscFunctionBegin;
  PetscCall(HeronParameter(dini, &m));
  PetscCall(VecPointwiseMult(F, u, u));
  PetscCall(VecAXPY(F, -1.0, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_Heron(Dini dini, Vec u, DiniForwardResult *result)
{
  Heron    *heron;
  Vec       m, w;
  PetscReal mnorm;

  PetscFunctionBegin;
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(HeronParameter(dini, &m));
  PetscCall(VecNorm(m, NORM_2, &mnorm));
  PetscCall(VecDuplicate(u, &w));
  for (result->its = 0;; result->its++) {
    PetscCall(DiniResidual_Heron(dini, u, w));
    PetscCall(VecNorm(w, NORM_2, &result->fnorm));
    if (result->fnorm <= 1e-12 * mnorm || result->its == heron->maxit) break;
    PetscCall(VecPointwiseDivide(w, m, u));
    PetscCall(VecAXPY(u, 1.0, w));
    PetscCall(VecScale(u, 0.5));
  }
  PetscCall(VecDestroy(&w));
  result->reason = result->fnorm <= 1e-12 * mnorm ? DINI_CONVERGED_FORWARD : DINI_DIVERGED_FORWARD;
  result->why    = result->reason > 0 ? "a small residual" : "-dini_heron_max_it";
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniJacobian_Heron(Dini dini, Vec u, Mat *J, Mat *P)
{
  Heron   *heron;
  PetscInt n, N;
  Vec      d;

  PetscFunctionBegin;
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(VecGetLocalSize(u, &n));
  PetscCall(VecGetSize(u, &N));
  if (!heron->J) PetscCall(MatCreateAIJ(PetscObjectComm((PetscObject)u), n, n, N, N, 1, NULL, 0, NULL, &heron->J));
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecCopy(u, d));
  PetscCall(VecScale(d, 2.0));
  PetscCall(MatDiagonalSet(heron->J, d, INSERT_VALUES));
  PetscCall(VecDestroy(&d));
  *J = *P = heron->J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F = G(u) - m, so F_m = -I needs no callback */
static PetscErrorCode DiniParameterKind_Heron(Dini dini, Vec m, DiniParameterType *type)
{
  PetscFunctionBegin;
  (void)dini;
  (void)m;
  *type = DINIPARAMETERRHS;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetFromOptions_Heron(Dini dini, DiniOptionItems PetscOptionsObject)
{
  Heron *heron;

  PetscFunctionBegin;
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(
      PetscOptionsInt("-dini_heron_max_it", "Most steps of Heron's rule", NULL, heron->maxit, &heron->maxit, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniView_Heron(Dini dini, PetscViewer viewer)
{
  Heron *heron;

  PetscFunctionBegin;
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(
      PetscViewerASCIIPrintf(viewer, "forward solver: Heron's rule, at most %" PetscInt_FMT " steps\n", heron->maxit));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniReset_Heron(Dini dini)
{
  Heron *heron;

  PetscFunctionBegin;
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(MatDestroy(&heron->J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniDestroy_Heron(Dini dini)
{
  Heron *heron;

  PetscFunctionBegin;
  PetscCall(DiniReset_Heron(dini)); /* another type may have been chosen in mid-life */
  PetscCall(DiniGetData(dini, &heron));
  PetscCall(PetscFree(heron));
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniOps HeronOps = {.setup          = DiniSetUp_Heron,
                          .setfromoptions = DiniSetFromOptions_Heron,
                          .view           = DiniView_Heron,
                          .reset          = DiniReset_Heron,
                          .destroy        = DiniDestroy_Heron,
                          .solve          = DiniSolve_Heron,
                          .residual       = DiniResidual_Heron,
                          .jacobian       = DiniJacobian_Heron,
                          .parameterkind  = DiniParameterKind_Heron};

PetscErrorCode DiniCreate_Heron(Dini dini)
{
  Heron *heron;

  PetscFunctionBegin;
  PetscCall(PetscNew(&heron));
  heron->maxit = 50;
  PetscCall(DiniSetData(dini, heron));
  PetscCall(DiniSetOps(dini, &HeronOps));
  PetscFunctionReturn(PETSC_SUCCESS);
}
