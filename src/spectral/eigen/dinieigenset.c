/* What an application tells a Dini about its eigenproblem, and what it gets to know about the pairs. */
#include "../../private/dinieigenimpl.h"

static PetscErrorCode DiniSetSolver_Eigen(Dini dini, const char type[], PetscObject solver)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscCheck(solver, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "There is no %s to hand over: it is NULL",
             type);
  PetscCall(DiniCheckComm_Private(dini, solver, "The eigensolver"));
  PetscCall(DiniSetType(dini, type));
  PetscCall(DiniReset(dini));
  ctx = (Dini_Eigen *)dini->data;
  PetscCall(PetscObjectReference(solver));
  PetscCall(PetscObjectDereference(ctx->solver));
  ctx->solver = solver;
  PetscCall(DiniEigenTakeTerms_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetSolver_Eigen(Dini dini, const char type[], PetscObject *solver)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, type, &is));
  *solver = is ? ((Dini_Eigen *)dini->data)->solver : NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes an EPS the solver behind a Dini, of type DINIEPS: A(m) x = lambda B(m) x.
  @level{beginner}

  Collective. The matrices are those of the EPS at this call; after EPSSetOperators() with others call it again. Follow it with
  DiniSetEigenSystem().

  @param[in] dini the Dini
  @param[in] eps  eigensolver with its operators set; referenced
  @return 0 or a PETSc error code

  @see DiniSetEigenSystem(), DiniEigenSolve(), DiniSetPEP(), DiniSetNEP()
*/
PetscErrorCode DiniSetEPS(Dini dini, EPS eps)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetEPS()"));
  PetscCall(DiniSetSolver_Eigen(dini, DINIEPS, (PetscObject)eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the EPS behind a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] eps  the EPS, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetEPS(Dini dini, EPS *eps)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetSolver_Eigen(dini, DINIEPS, (PetscObject *)eps));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes a PEP the solver behind a Dini, of type DINIPEP: sum_k lambda^k A_k(m) x = 0, in the monomial basis.
  @level{intermediate}

  Collective. As DiniSetEPS().

  @param[in] dini the Dini
  @param[in] pep  eigensolver with its operators set; referenced
  @return 0 or a PETSc error code; PETSC_ERR_SUP for another basis
*/
PetscErrorCode DiniSetPEP(Dini dini, PEP pep)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetPEP()"));
  PetscCall(DiniSetSolver_Eigen(dini, DINIPEP, (PetscObject)pep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the PEP behind a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] pep  the PEP, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetPEP(Dini dini, PEP *pep)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetSolver_Eigen(dini, DINIPEP, (PetscObject *)pep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Makes a NEP the solver behind a Dini, of type DININEP: sum_k f_k(lambda) A_k(m) x = 0, in split form.
  @level{intermediate}

  Collective. As DiniSetEPS(). The functions f_k must not depend on the parameters.

  @param[in] dini the Dini
  @param[in] nep  eigensolver with its split operator set (NEPSetSplitOperator()); referenced
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetNEP(Dini dini, NEP nep)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetNEP()"));
  PetscCall(DiniSetSolver_Eigen(dini, DININEP, (PetscObject)nep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the NEP behind a Dini.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] nep  the NEP, NULL when the Dini is of another type
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetNEP(Dini dini, NEP *nep)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetSolver_Eigen(dini, DININEP, (PetscObject *)nep));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how the matrices of an eigenproblem follow from the parameters.
  @level{beginner}

  Logically Collective.

  @param[in] dini the Dini, of type DINIEPS, DINIPEP or DININEP
  @param[in] fn   fills the n matrices M, in the solver's order (A and, if there is one, B of an EPS), at the current
                  parameters; it must write into those it is handed, which are copies of the solver's when differences are
                  taken. NULL when the matrices read the parameters themselves, such as shells
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when the Dini is of another type
*/
PetscErrorCode DiniSetEigenSystem(Dini dini, DiniEigenSystemFn *fn, void *ctx)
{
  Dini_Eigen *data;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetEigenSystem()"));
  PetscCall(DiniGetEigen_Private(dini, "DiniSetEigenSystem()", &data));
  data->assemble    = fn;
  data->assemblectx = ctx;
  PetscCall(DiniReset(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the coefficients c of F(u, m) = sum_k c_k M_k(m) u, for callbacks of residuals and of F_m.
  @level{intermediate}

  Not Collective. For an EPS c is (1, -lambda) in most calls, and others where B alone is wanted, or real and imaginary parts
  apart: F_m = c_0 A_m u + c_1 B_m u is always right, and the guard finds out a callback that does not read them.

  @param[in]  dini the Dini, of type DINIEPS, DINIPEP or DININEP
  @param[out] n    their number, that of the terms: 2 for an EPS, may be NULL
  @param[out] c    the coefficients, not to be freed; good until the callback returns
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before the first pairs are known

  @see DiniSetParameterJacobian(), DiniSetParameterOperator(), DiniSetResidual()
*/
PetscErrorCode DiniGetEigenCoefficients(Dini dini, PetscInt *n, const PetscScalar *c[])
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetEigen_Private(dini, "DiniGetEigenCoefficients()", &ctx));
  PetscCheck(ctx->nfocus, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "No eigenpair is known yet, so F(u, m) has no coefficients; call DiniEigenSolve() first");
  if (n) *n = ctx->nfocus;
  *c = ctx->focus;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the gap below which eigenvalues form a cluster and have no derivatives of their own.
  @level{intermediate}

  Logically Collective. Eigenvalues closer than 10^4 times their error |T x|/|D x| form one in any case.

  @param[in] dini the Dini, of type DINIEPS, DINIPEP or DININEP
  @param[in] rtol gap relative to |lambda|, initially 1e-4
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative gap

  Option: `-dini_eigen_gap <1e-4>`.
*/
PetscErrorCode DiniSetEigenGap(Dini dini, PetscReal rtol)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetEigen_Private(dini, "DiniSetEigenGap()", &ctx));
  PetscCheck(rtol >= 0.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The gap %g of a cluster must not be negative", (double)rtol);
  ctx->gaprtol = rtol;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Has modes keep their numbers from solve to solve, by the overlap of their vectors, also where eigenvalues cross.
  @level{intermediate}

  Logically Collective. Off, pair i is the solver's pair i. On, it is the one whose vector overlaps most with that of pair i at
  the solve before, |x_old^H B x_new|, and has its phase.

  @param[in] dini    the Dini, of type DINIEPS, DINIPEP or DININEP
  @param[in] track   PETSC_TRUE or PETSC_FALSE (default)
  @param[in] overlap below this a mode counts as lost, and has no derivatives; between 0 and 1, initially 0.5
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for another overlap

  Options: `-dini_eigen_track <false>`, `-dini_eigen_min_overlap <0.5>`.

  @see DiniGetEigenOverlap()
*/
PetscErrorCode DiniSetEigenTracking(Dini dini, PetscBool track, PetscReal overlap)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetEigen_Private(dini, "DiniSetEigenTracking()", &ctx));
  PetscCheck(overlap >= 0.0 && overlap <= 1.0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The least overlap %g must lie between 0 and 1", (double)overlap);
  ctx->tracking   = track;
  ctx->minoverlap = overlap;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Selects the mode whose vector is the state u of DiniSolve(), DiniJVP(), DiniVJP() and of objectives.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini, of type DINIEPS, DINIPEP or DININEP
  @param[in] i    number of the pair, initially 0
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative number

  Option: `-dini_eigen_mode <0>`.
*/
PetscErrorCode DiniSetEigenMode(Dini dini, PetscInt i)
{
  Dini_Eigen *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetEigenMode()"));
  PetscCall(DiniGetEigen_Private(dini, "DiniSetEigenMode()", &ctx));
  PetscCheck(i >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "Modes are numbered from 0; there is no mode %" PetscInt_FMT, i);
  ctx->selected = i;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}
