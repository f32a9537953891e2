/* Type ksp: many right-hand sides, A(m) U = B, solved with one assembly and one factorisation. */
#include "../../private/dinikspimpl.h"
#include <petsctime.h>

/* A dense matrix with the layout of the state in its rows, and n columns where n is known already */
PetscErrorCode DiniCheckBlock_Private(Dini dini, Mat X, const char what[], PetscInt *n)
{
  PetscInt  m, columns;
  PetscBool dense, any;

  PetscFunctionBegin;
  PetscCheck(X, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "%s is NULL", what);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)X, what));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)X, &dense, MATSEQDENSE, MATMPIDENSE, ""));
  PetscCheck(dense, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
             "%s has to be a dense matrix, as by MatCreateDense()", what);
  PetscCall(MatGetLocalSize(X, &m, NULL));
  PetscCall(MatGetSize(X, NULL, &columns));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)X, dini->n, -1, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s has %" PetscInt_FMT " local rows where the state has %" PetscInt_FMT " local entries on this rank",
             what, m, dini->n);
  PetscCheck(*n < 0 || columns == *n, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s has %" PetscInt_FMT " columns where there are %" PetscInt_FMT, what, columns, *n);
  *n = columns;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The forward solve ---- */

/* U by the KSP: the reason and the iterations of each column, up to the first that fails, and the iterations of all */
static PetscErrorCode DiniSolveBlock_KSP(KSP ksp, Mat B, Mat U, PetscInt n, DiniSolvedColumn solved[], PetscInt *its)
{
  PetscBool          preonly;
  PC                 pc;
  Vec                b, u;
  KSPConvergedReason reason;
  int                mine, all;
  PetscErrorCode     failed;

  PetscFunctionBegin;
  *its = 0;
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPPREONLY, &preonly));
  PetscCall(KSPGetPC(ksp, &pc));
  if (preonly) PetscCall(DiniFactorTakesBlocks_Private(pc, &preonly));
  if (preonly) { /* a factorisation takes all columns at once */
    PetscCall(KSPMatSolve(ksp, B, U));
    PetscCall(KSPGetConvergedReason(ksp, &reason));
    PetscCall(KSPGetIterationNumber(ksp, its));
    mine = (int)reason; /* a factorisation that fails on one rank says so there only */
    PetscCall(MPIU_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, PetscObjectComm((PetscObject)ksp)));
    for (PetscInt k = 0; k < n; k++) solved[k].reason = (KSPConvergedReason)all;
    for (PetscInt k = 0; k < n; k++) solved[k].its = *its;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (PetscInt k = 0; k < n && (k == 0 || solved[k - 1].reason > 0); k++) {
    PetscCall(MatDenseGetColumnVecRead(B, k, &b));
    PetscCall(MatDenseGetColumnVec(U, k, &u)); /* may hold an initial guess */
    failed = KSPSolve(ksp, b, u);
    PetscCall(MatDenseRestoreColumnVec(U, k, &u));
    PetscCall(MatDenseRestoreColumnVecRead(B, k, &b));
    PetscCall(failed);
    PetscCall(KSPGetConvergedReason(ksp, &solved[k].reason));
    PetscCall(KSPGetIterationNumber(ksp, &solved[k].its));
    *its += solved[k].its;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* |A u - b| / |b| of each column, and the largest |A u - b| of all; NaN is the largest of all */
static PetscErrorCode DiniBlockResidual_KSP(Dini dini, Mat A, Mat B, Mat U, PetscInt n, DiniSolvedColumn solved[],
                                            PetscReal *largest)
{
  Vec       b = dini->w[0], u = dini->w[1];
  PetscReal bnorm, rnorm;

  PetscFunctionBegin;
  *largest = 0.0;
  for (PetscInt k = 0; k < n; k++) {
    PetscCall(DiniGetColumn_Private(B, k, b));
    PetscCall(DiniGetColumn_Private(U, k, u));
    PetscCall(DiniNorm_Private(b, &bnorm));
    PetscCall(MatMult(A, u, dini->r));
    PetscCall(VecAXPY(dini->r, -1.0, b));
    PetscCall(DiniNorm_Private(dini->r, &rnorm));
    if (!(rnorm <= *largest) && !PetscIsInfOrNanReal(*largest)) *largest = rnorm;
    solved[k].relative = rnorm > 0.0 ? rnorm / PetscMax(dini->attachatol, bnorm) : rnorm;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The column to speak of: the one whose solve has failed, else that of the largest relative residual */
static PetscInt DiniWorstColumn_KSP(PetscInt n, const DiniSolvedColumn solved[])
{
  PetscInt worst = 0;

  for (PetscInt k = 0; k < n; k++)
    if (solved[k].reason < 0) return k;
  for (PetscInt k = 1; k < n; k++)
    if (!(solved[k].relative <= solved[worst].relative) && !PetscIsInfOrNanReal(solved[worst].relative)) worst = k;
  return worst;
}

/* Says what went wrong, or that all went well */
static PetscErrorCode DiniAcceptBlock_KSP(Dini dini, Mat A, Mat B, Mat U, PetscInt n, PetscInt its,
                                          DiniSolvedColumn solved[], PetscBool *accepted)
{
  Dini_KSP *ctx = (Dini_KSP *)dini->data;
  PetscReal rtol, relative;
  PetscInt  worst;

  PetscFunctionBegin;
  PetscCall(KSPGetTolerances(ctx->ksp, &rtol, NULL, NULL, NULL));
  PetscCall(DiniBlockResidual_KSP(dini, A, B, U, n, solved, &dini->fnorm));
  dini->stats.forward_residual = dini->fnorm;
  dini->stats.forward_iterations += its;
  dini->forward.steps += its;
  worst        = DiniWorstColumn_KSP(n, solved);
  relative     = solved[worst].relative;
  *accepted    = (PetscBool)(solved[worst].reason > 0 && relative <= PetscMin(0.1, 1000.0 * rtol));
  dini->reason = *accepted                       ? DINI_CONVERGED_FORWARD
                 : PetscIsInfOrNanReal(relative) ? DINI_DIVERGED_NAN
                 : solved[worst].reason > 0      ? DINI_DIVERGED_FORWARD_RESIDUAL
                                                 : DINI_DIVERGED_FORWARD;
  if (*accepted) dini->stats.forward_solves++;
  else dini->stats.forward_failures++;
  PetscCall(DiniMonitor_Private(dini, DINI_OPERATION_FORWARD, its, dini->fnorm));
  PetscCheck(*accepted || !dini->erroriffail, PetscObjectComm((PetscObject)dini),
             dini->reason == DINI_DIVERGED_NAN ? PETSC_ERR_FP : PETSC_ERR_NOT_CONVERGED,
             "The solve of A U = B stopped in column %" PetscInt_FMT " of %" PetscInt_FMT
             " with %s and a relative residual of %g, so there is no solution to differentiate at; "
             "DiniGetMatSolveColumn() tells of each column, -ksp_monitor -ksp_converged_reason of the solver",
             worst, n, KSPConvergedReasons[solved[worst].reason], (double)relative);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniMatSolve_Call(Dini dini, Mat B, Mat U)
{
  Dini_KSP      *ctx;
  PetscInt       n        = -1, its;
  PetscBool      accepted = PETSC_FALSE;
  PetscLogDouble start, end;
  Mat            A;
  Vec            column;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniNeedLinear_KSP(dini, "DiniMatSolve()"));
  PetscCall(DiniSetUp(dini));
  ctx = (Dini_KSP *)dini->data;
  PetscCheck(!ctx->leastsquares && !ctx->square, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "DiniMatSolve() is not for least-squares KSPs; call DiniSolve() for each right-hand side");
  PetscCall(DiniRefuseDiagonalScale_Private(dini, ctx->ksp));
  PetscCall(KSPGetOperators(ctx->ksp, &A, NULL));
  PetscCall(MatCreateVecs(A, &column, NULL));
  failed = DiniSetUpLayout_Private(dini, column); /* may reset what there is of another size */
  if (!failed && !ctx->column) ctx->column = column;
  else PetscCall(VecDestroy(&column));
  PetscCall(failed);
  PetscCall(DiniCheckBlock_Private(dini, B, "The matrix B of right-hand sides", &n));
  PetscCall(DiniCheckBlock_Private(dini, U, "The matrix U of solutions", &n));
  PetscCheck(B != U, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_IDN, "B and U have to be different matrices");
  PetscCheck(n > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ, "B has no columns");
  dini->stage = DINI_STAGE_NEW;
  PetscCall(MatDestroy(&ctx->U));
  PetscCall(PetscFree(ctx->solved));
  ctx->nsolved = 0;
  PetscCall(PetscCalloc1(n, &ctx->solved));
  ctx->nsolved = n;
  PetscCall(DiniParameterPull_Private(dini));
  PetscCall(DiniParameterPush_Private(dini));
  PetscCall(PetscTime(&start));
  PetscCall(PetscLogEventBegin(DINI_Solve, dini, 0, 0, 0));
  ctx->stamp = 0; /* the application may have changed more than the parameters since */
  PetscCall(DiniAssembleOwn_KSP(dini));
  failed = DiniSolveBlock_KSP(ctx->ksp, B, U, n, ctx->solved, &its);
  if (failed) PetscCall(DiniForwardHalfway_Private(dini));
  PetscCall(failed);
  PetscCall(PetscLogEventEnd(DINI_Solve, dini, 0, 0, 0));
  PetscCall(PetscTime(&end));
  dini->stats.forward_seconds += (PetscReal)(end - start);
  dini->forward.seconds += (PetscReal)(end - start);
  PetscCall(DiniAcceptBlock_KSP(dini, A, B, U, n, its, ctx->solved, &accepted));
  if (!accepted) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniSetPoint_Private(dini, ctx->column)); /* remembers parameters and A */
  dini->stage = DINI_STAGE_NEW;
  PetscCall(PetscObjectReference((PetscObject)U));
  ctx->U = U;
  PetscCall(DiniMatStamp_Private(U, &ctx->Ustate));
  ctx->nparams    = dini->nparams;
  ctx->linearized = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Solves A(m) U = B for many right-hand sides, with one assembly and one factorisation, and makes U the point of
  DiniMatSolveJVP() and DiniMatSolveVJP().
  @level{intermediate}

  Collective. A is assembled at the current parameters by the callback of DiniSetLinearSystem(), whose b plays no part; with
  KSPPREONLY and a factorisation all columns are solved at once, else one by one. Every column is verified in its true residual.
  It ends the point of DiniSolve() and DiniAttach(), and they end that of this call.

  @param[in]     dini the Dini, of type DINIKSP, not of a least-squares KSP
  @param[in]     B    dense matrix of right-hand sides, rows laid out as the state
  @param[in,out] U    dense matrix of solutions, as B; columns are initial guesses where the KSP takes one. Referenced, and to
                      be left unchanged until the derivatives are taken
  @return 0 or a PETSc error code; PETSC_ERR_NOT_CONVERGED, or PETSC_ERR_FP for NaN, when a column fails, which is named

  @see DiniGetMatSolveColumn(), DiniMatSolveVJP(), DiniMatSolveJVP(), DiniSolve()
*/
PetscErrorCode DiniMatSolve(Dini dini, Mat B, Mat U)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  DiniServe(dini, "DiniMatSolve()", DINI_DOOR_NEVER, DiniMatSolve_Call(dini, B, U));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how the solve of one column went in the last DiniMatSolve(), one that has failed included.
  @level{intermediate}

  Not Collective. KSPPREONLY with a factorisation solves all columns at once: reason and iterations are then the same for all of
  them, the residual is that of each.

  @param[in]  dini       the Dini, of type DINIKSP, after DiniMatSolve()
  @param[in]  column     number of the column, from 0
  @param[out] reason     why the KSP stopped, KSP_CONVERGED_ITERATING for a column that has not been tried since one before it
                         has failed; may be NULL
  @param[out] iterations of the KSP; may be NULL
  @param[out] relative   true relative residual |A u - b| / |b|, without a unit, of what U held after the solve; may be NULL
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before DiniMatSolve(), PETSC_ERR_ARG_OUTOFRANGE for a column that it had
          not, PETSC_ERR_SUP for other types

  @see DiniMatSolve(), DiniGetConvergedReason()
*/
PetscErrorCode DiniGetMatSolveColumn(Dini dini, PetscInt column, KSPConvergedReason *reason, PetscInt *iterations,
                                     PetscReal *relative)
{
  const Dini_KSP *ctx;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniNeedLinear_KSP(dini, "DiniGetMatSolveColumn()"));
  ctx = (const Dini_KSP *)dini->data;
  PetscCheck(ctx->nsolved, PETSC_COMM_SELF, PETSC_ERR_ORDER, "There are no columns yet; call DiniMatSolve() first");
  PetscCheck(column >= 0 && column < ctx->nsolved, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "There is no column %" PetscInt_FMT ": DiniMatSolve() had %" PetscInt_FMT, column, ctx->nsolved);
  if (reason) *reason = ctx->solved[column].reason;
  if (iterations) *iterations = ctx->solved[column].its;
  if (relative) *relative = ctx->solved[column].relative;
  PetscFunctionReturn(PETSC_SUCCESS);
}
