/* What a fixed point can be told. Setters do no work. */
#include "../../private/dinifixedpointimpl.h"

static PetscErrorCode DiniNeed_FixedPoint(Dini dini, const char call[], Dini_FixedPoint **ctx)
{
  PetscBool is;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)dini, DINIFIXEDPOINT, &is));
  PetscCheck(is, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s goes with DiniSetFixedPoint(); call that first", call);
  *ctx = (Dini_FixedPoint *)dini->data;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J is made anew from what has been given; the solution stays */
static PetscErrorCode DiniDropJacobian_FixedPoint(Dini dini, Dini_FixedPoint *ctx)
{
  PetscFunctionBegin;
  PetscCall(DiniShellDestroy_Private(&ctx->J, dini));
  PetscCall(MatDestroy(&ctx->dense));
  PetscCall(DiniColoringDestroy_Private(&ctx->coloring));
  if (dini->stage == DINI_STAGE_LINEARIZED) dini->stage = DINI_STAGE_SOLVED;
  dini->guarded   = PETSC_FALSE;
  dini->rateknown = PETSC_FALSE;
  PetscCall(PetscObjectStateIncrease((PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the map G whose fixed point u = G(u, m) is the state; the Dini becomes of type DINIFIXEDPOINT.
  @level{beginner}

  Logically Collective. The relation is F(u, m) = u - G(u, m), so J = I - G_u and F_m = -G_m: DiniSetParameterJacobian() and
  DiniSetParameterOperator() take F_m, with that sign, and the guard of the first linearization refuses the other one. A
  parameter of type DINIPARAMETERRHS is one that is added: u = G(u) + m.

  How u is found does not matter: by the SNES of DiniGetFixedPointSNES(), by the application's own loop, given to
  DiniSetSolve(), or elsewhere, with DiniAttach(). The derivative exists whether the iteration contracts or not.

  @param[in] dini the Dini
  @param[in] fn   computes G at u and the current parameters; u is read-only and has the layout of the state, as has G
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code

  @see DiniSetFixedPointOperator(), DiniSetFixedPointJacobian(), DiniSetFixedPointMethod(), DiniGetContractionRate()
*/
PetscErrorCode DiniSetFixedPoint(Dini dini, DiniFixedPointFn *fn, void *ctx)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFixedPoint()"));
  PetscCheck(fn, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "DiniSetFixedPoint() got no map G");
  PetscCall(DiniSetType(dini, DINIFIXEDPOINT));
  data         = (Dini_FixedPoint *)dini->data;
  data->map    = fn;
  data->mapctx = ctx;
  PetscCall(DiniInvalidate_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the products with the derivative G_u = dG/du of a fixed-point map.
  @level{intermediate}

  Logically Collective. Without apply, tangents are differences of G along the direction; without applyadjoint, adjoints of
  states of at most DiniSetFixedPointMaxColumns() unknowns use dense columns, and those of larger ones are an error.

  @param[in] dini         the Dini, of type DINIFIXEDPOINT
  @param[in] apply        y = G_u x, or NULL
  @param[in] applyadjoint y = G_u^H x, the conjugate transpose, or NULL; it is compared with apply once
  @param[in] ctx          context of both, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER for other types

  @see DiniSetFixedPointJacobian(), DiniSetFixedPointDerivative()
*/
PetscErrorCode DiniSetFixedPointOperator(Dini dini, DiniFixedPointApplyFn *apply, DiniFixedPointApplyFn *applyadjoint,
                                         void *ctx)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFixedPointOperator()"));
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointOperator()", &data));
  data->apply[DINI_TANGENT] = apply;
  data->apply[DINI_ADJOINT] = applyadjoint;
  data->applyctx            = ctx;
  PetscCall(DiniDropJacobian_FixedPoint(dini, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives a matrix for the derivative G_u = dG/du of a fixed-point map.
  @level{intermediate}

  Logically Collective. J = I - G_u is assembled from matrices of types AIJ and dense, so that `-dini_pc_type` can
  precondition with it; others are applied.

  @param[in] dini the Dini, of type DINIFIXEDPOINT
  @param[in] Gu   matrix with the layout of the state in rows and columns; referenced
  @param[in] fn   fills Gu at u and the current parameters; NULL when Gu is a pattern to be filled by coloured differences of
                  G, or a constant, which DiniSetFixedPointDerivative(dini, DINI_FIXEDPOINT_MATRIX) says
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER for other types

  @see DiniSetFixedPointOperator(), DiniSetFixedPointDerivative()
*/
PetscErrorCode DiniSetFixedPointJacobian(Dini dini, Mat Gu, DiniFixedPointJacobianFn *fn, void *ctx)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFixedPointJacobian()"));
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointJacobian()", &data));
  PetscCheck(Gu, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "DiniSetFixedPointJacobian() needs a matrix Gu");
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)Gu, "The matrix Gu"));
  PetscCall(PetscObjectReference((PetscObject)Gu));
  PetscCall(MatDestroy(&data->Gu));
  data->Gu      = Gu;
  data->fill    = fn;
  data->fillctx = ctx;
  PetscCall(DiniDropJacobian_FixedPoint(dini, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses where G_u of a fixed-point map comes from.
  @level{intermediate}

  Logically Collective.

  @param[in] dini       the Dini, of type DINIFIXEDPOINT
  @param[in] derivative DINI_FIXEDPOINT_AUTO (initially), the best of what has been given, or one of the others
  @return 0 or a PETSc error code; PETSC_ERR_ORDER for other types

  Option: `-dini_fixedpoint_derivative <auto|matrix|operator|coloring|fd>`.
*/
PetscErrorCode DiniSetFixedPointDerivative(Dini dini, DiniFixedPointDerivative derivative)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFixedPointDerivative()"));
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointDerivative()", &data));
  data->derivative = derivative;
  PetscCall(DiniDropJacobian_FixedPoint(dini, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets the largest state for which J is stored as a dense matrix, from differences of G or products with G_u.
  @level{advanced}

  Logically Collective. Storage and work grow with the square: one product, or two evaluations of G, for each unknown.

  @param[in] dini the Dini, of type DINIFIXEDPOINT
  @param[in] max  unknowns, initially 64; 0 for none
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for a negative number

  Option: `-dini_fixedpoint_max_columns`.
*/
PetscErrorCode DiniSetFixedPointMaxColumns(Dini dini, PetscInt max)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointMaxColumns()", &data));
  PetscCheck(max >= 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The number of columns %" PetscInt_FMT " must not be negative", max);
  data->maxcolumns = max;
  PetscCall(DiniDropJacobian_FixedPoint(dini, data));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Chooses how tangent and adjoint systems of a fixed point are solved.
  @level{intermediate}

  Logically Collective. DINI_FIXEDPOINT_ITERATE is the two-phase adjoint of Christianson (1994): lambda <- ubar + G_u^H
  lambda, and du <- G_u du + G_m dm for tangents, until the true residual meets the tolerances of DiniSetTolerances(). It needs
  no memory and no inner products beyond that, and a map that contracts; one that does not is an error with the rate in it.
  DINI_FIXEDPOINT_KRYLOV (initially) takes fewer products, and does not ask whether the map contracts.

  @param[in] dini   the Dini, of type DINIFIXEDPOINT
  @param[in] method DINI_FIXEDPOINT_KRYLOV or DINI_FIXEDPOINT_ITERATE
  @return 0 or a PETSc error code; PETSC_ERR_ORDER for other types

  Option: `-dini_fixedpoint_method <krylov|iterate>`.

  @see DiniSetFixedPointMaxIterations(), DiniGetContractionRate(), DiniGetAdjointKSP()
*/
PetscErrorCode DiniSetFixedPointMethod(Dini dini, DiniFixedPointMethod method)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetFixedPointMethod()"));
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointMethod()", &data));
  data->method = method;
  DiniFixedPointIterate_Private(dini);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Sets how many products with G_u a linear solve by DINI_FIXEDPOINT_ITERATE may take.
  @level{advanced}

  Logically Collective. At a contraction rate r it takes about log(rtol) / log(r).

  @param[in] dini the Dini, of type DINIFIXEDPOINT
  @param[in] max  products, initially 10000
  @return 0 or a PETSc error code; PETSC_ERR_ARG_OUTOFRANGE for less than 1

  Option: `-dini_fixedpoint_max_it`.
*/
PetscErrorCode DiniSetFixedPointMaxIterations(Dini dini, PetscInt max)
{
  Dini_FixedPoint *data = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniNeed_FixedPoint(dini, "DiniSetFixedPointMaxIterations()", &data));
  PetscCheck(max >= 1, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_OUTOFRANGE,
             "The number of iterations %" PetscInt_FMT " must be at least 1", max);
  data->maxiterations = max;
  DiniFixedPointIterate_Private(dini);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniSetFromOptions_FixedPoint(Dini dini, DiniOptionItems PetscOptionsObject)
{
  Dini_FixedPoint         *ctx        = (Dini_FixedPoint *)dini->data;
  DiniFixedPointDerivative derivative = ctx->derivative;
  PetscInt                 its = ctx->maxiterations, columns = ctx->maxcolumns;
  PetscBool                set;

  PetscFunctionBegin;
  PetscCall(PetscOptionsEnum("-dini_fixedpoint_derivative", "Where G_u comes from", "DiniSetFixedPointDerivative",
                             DiniFixedPointDerivatives, (PetscEnum)derivative, (PetscEnum *)&derivative, &set));
  if (set) PetscCall(DiniSetFixedPointDerivative(dini, derivative));
  PetscCall(PetscOptionsInt("-dini_fixedpoint_max_columns", "Largest state with a dense J",
                            "DiniSetFixedPointMaxColumns", columns, &columns, &set));
  if (set) PetscCall(DiniSetFixedPointMaxColumns(dini, columns));
  PetscCall(PetscOptionsEnum("-dini_fixedpoint_method", "How tangent and adjoint systems are solved",
                             "DiniSetFixedPointMethod", DiniFixedPointMethods, (PetscEnum)ctx->method,
                             (PetscEnum *)&ctx->method, NULL));
  DiniFixedPointIterate_Private(dini);
  PetscCall(PetscOptionsInt("-dini_fixedpoint_max_it", "Most products of an iterated linear solve",
                            "DiniSetFixedPointMaxIterations", its, &its, &set));
  if (set) PetscCall(DiniSetFixedPointMaxIterations(dini, its));
  PetscFunctionReturn(PETSC_SUCCESS);
}
