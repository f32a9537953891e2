/* F_m of each block as a Mat: made once, filled once a point, and its products. */
#include "../private/diniparameterimpl.h"

static PetscErrorCode DiniParameterCreate_Matrix(Dini dini, DiniParameter par, Mat *Fm)
{
  PetscFunctionBegin;
  PetscCheck(par->Fmuser, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: Parameter \"%s\" is of type \"matrix\" and has none; call DiniSetParameterJacobian()",
             DiniLabel_Private(dini), par->name);
  PetscCall(PetscObjectReference((PetscObject)par->Fmuser));
  *Fm = par->Fmuser;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterFill_Matrix(Dini dini, DiniParameter par, Mat Fm)
{
  char what[256];

  PetscFunctionBegin;
  if (!par->fill) PetscFunctionReturn(PETSC_SUCCESS); /* a constant */
  PetscCall(PetscSNPrintf(what, sizeof(what), "The F_m callback of parameter \"%s\" (DiniSetParameterJacobian())",
                          par->name));
  DiniCallUserReads(dini, dini->u, what, (*par->fill)(dini, dini->u, par->m, Fm, par->fillctx));
  PetscCall(DiniFilled_Private(Fm));
  PetscCall(DiniCheckMatFinite_Private(dini, Fm, what)); /* at each fill: a later one may be as bad as the first */
  dini->stats.parameter_assemblies++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOperatorApply(DiniParameter par, DiniParameterApplyFn *fn, const char direction[], Vec x,
                                        Vec y)
{
  Dini dini = par->dini;
  char what[256];

  PetscFunctionBegin;
  PetscCheck(fn, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "%s: Parameter \"%s\" has no %s callback; give both to DiniSetParameterOperator()",
             DiniLabel_Private(dini), par->name, direction);
  PetscCall(PetscSNPrintf(what, sizeof(what), "The %s callback of parameter \"%s\" (DiniSetParameterOperator())",
                          direction, par->name));
  DiniCallUserReads(dini, dini->u, what, (*fn)(dini, dini->u, par->m, x, y, par->applyctx));
  PetscCall(DiniCheckFinite_Private(dini, y, what, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOperatorMult(Mat Fm, Vec x, Vec y)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  PetscCall(DiniOperatorApply(par, par->apply, "apply", x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The plain transpose from the adjoint that the application gives: A^T x = conj(A^H conj(x)) */
static PetscErrorCode DiniOperatorMultTranspose(Mat Fm, Vec x, Vec y)
{
  DiniParameter  par;
  Vec            xc;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  PetscCall(VecDuplicate(x, &xc));
  PetscCall(VecCopy(x, xc));
  PetscCall(VecConjugate(xc));
  failed = DiniOperatorApply(par, par->applyadjoint, "adjoint apply", xc, y);
  PetscCall(VecDestroy(&xc));
  PetscCall(failed);
  PetscCall(VecConjugate(y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Without PETSc's detour over conjugates, which forgets a Vec when the callback fails */
static PetscErrorCode DiniOperatorMultHermitian(Mat Fm, Vec x, Vec y)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscCall(DiniShellContext_Private(Fm, &par));
  PetscCall(DiniOperatorApply(par, par->applyadjoint, "adjoint apply", x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterCreate_Operator(Dini dini, DiniParameter par, Mat *Fm)
{
  PetscFunctionBegin;
  PetscCall(MatCreateShell(PetscObjectComm((PetscObject)dini), dini->n, par->n, dini->N, par->N, par, Fm));
  PetscCall(MatShellSetOperation(*Fm, MATOP_MULT, (void (*)(void))DiniOperatorMult));
  PetscCall(MatShellSetOperation(*Fm, MATOP_MULT_TRANSPOSE, (void (*)(void))DiniOperatorMultTranspose));
  PetscCall(MatShellSetOperation(*Fm, MATOP_MULT_HERMITIAN_TRANSPOSE, (void (*)(void))DiniOperatorMultHermitian));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterCreate_RHS(Dini dini, DiniParameter par, Mat *Fm)
{
  PetscFunctionBegin;
  if (dini->ops->rhsjacobian) {
    PetscUseTypeMethod(dini, rhsjacobian, par->m, Fm);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniCheckState_Private(dini, par->m, par->name)); /* F(u, m) = G(u) - m */
  PetscCall(MatCreateConstantDiagonal(PetscObjectComm((PetscObject)dini), dini->n, par->n, dini->N, par->N, -1.0, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterCreate_Zero(Dini dini, DiniParameter par, Mat *Fm)
{
  PetscFunctionBegin;
  (void)dini;
  (void)par;
  *Fm = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniParameterKind DiniParameterKinds[] = {
    {DINIPARAMETERMATRIX, DiniParameterCreate_Matrix, DiniParameterFill_Matrix},
    {DINIPARAMETEROPERATOR, DiniParameterCreate_Operator, NULL},
    {DINIPARAMETERCOLORING, DiniParameterCreate_Coloring, DiniParameterFill_Coloring},
    {DINIPARAMETERFD, DiniParameterCreate_FD, DiniParameterFill_FD},
    {DINIPARAMETERRHS, DiniParameterCreate_RHS, NULL},
    {DINIPARAMETERZERO, DiniParameterCreate_Zero, NULL},
    {NULL, NULL, NULL}};

static PetscErrorCode DiniCheckParameterLayout(Dini dini, DiniParameter par, Mat Fm)
{
  PetscInt  m, n;
  PetscBool wrong, any;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(Fm, &m, &n));
  wrong = (PetscBool)(m != dini->n || n != par->n);
  PetscCall(MPIU_Allreduce(&wrong, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: F_m of parameter \"%s\" has local size %" PetscInt_FMT " x %" PetscInt_FMT
             " where state and block have %" PetscInt_FMT " and %" PetscInt_FMT " local entries on this rank",
             DiniLabel_Private(dini), par->name, m, n, dini->n, par->n);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Only a matrix of the application's can have another layout than ours, and it is checked before anything reads it. */
static PetscErrorCode DiniParameterCreate(Dini dini, DiniParameter par)
{
  const DiniParameterKind *kind;
  PetscErrorCode           failed;

  PetscFunctionBegin;
  PetscCall(DiniParameterGetKind_Private(dini, par, &kind));
  PetscCheck(!dini->antilinear || kind->create == DiniParameterCreate_RHS || kind->create == DiniParameterCreate_Zero,
             PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "F = A^H (A u - b) is not a holomorphic function of A, so parameter \"%s\" has no complex F_m. Make b "
             "itself a block, take the gradient in the entries of A with DiniMatrixVJP(), and go on to the parameter "
             "by the chain rule",
             par->name);
  if (par->Fmuser && (kind->create == DiniParameterCreate_Matrix || kind->create == DiniParameterCreate_Coloring))
    PetscCall(DiniCheckParameterLayout(dini, par, par->Fmuser));
  failed = (*kind->create)(dini, par, &par->Fm);
  if (failed) PetscCall(DiniParameterDrop_Private(dini, par));
  PetscCall(failed);
  par->kind = kind;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A pattern that followed from one DM of the state says nothing of another. */
static PetscErrorCode DiniParameterFollow(Dini dini, DiniParameter par)
{
  DM        state;
  PetscBool moved, any;

  PetscFunctionBegin;
  if (!par->pattern) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPatternStateDM_Private(dini, &state));
  moved = (PetscBool)(state != par->pattern);
  PetscCall(MPIU_Allreduce(&moved, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any) PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m at the point, held against differences of F for once */
static PetscErrorCode DiniParameterFillNow(Dini dini, DiniParameter par)
{
  const PetscBool guarded = par->guarded;
  PetscBool       moved, any;

  PetscFunctionBegin;
  if (par->kind->fill) PetscCall((*par->kind->fill)(dini, par, par->Fm));
  if (dini->beside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMark_Private(par->Fm, &par->held));
  if (!dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniGuardParameter_Private(dini, par));
  PetscCall(DiniMarkMoved_Private(&par->held, (PetscBool)!guarded,
                                  &moved)); /* by a residual that writes into F_m, beside the point */
  PetscCall(MPIU_Allreduce(&moved, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any && par->kind->fill) PetscCall((*par->kind->fill)(dini, par, par->Fm));
  if (any) PetscCall(DiniMark_Private(par->Fm, &par->held));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A matrix of the application's may be that of another block, or of another Dini, which has filled it since. */
static PetscErrorCode DiniParameterStays(Dini dini, DiniParameter par)
{
  PetscBool mine, any;

  PetscFunctionBegin;
  if (!par->current || !par->Fmuser) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMarkMoved_Private(&par->held, PETSC_FALSE, &mine));
  PetscCall(MPIU_Allreduce(&mine, &any, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any) PetscCall(DiniParameterMoved_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterEnsure_Private(Dini dini, DiniParameter par)
{
  PetscErrorCode failed, back;

  PetscFunctionBegin;
  PetscCall(DiniParameterStays(dini, par));
  if (par->current) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->stage == DINI_STAGE_LINEARIZED && !dini->beside) PetscCall(DiniRefuseStale_Private(dini)); /* J is older */
  PetscCall(DiniParameterFollow(dini, par));
  if (!par->kind || (!par->Fm && par->kind->create != DiniParameterCreate_Zero))
    PetscCall(DiniParameterCreate(dini, par));
  failed = DiniParameterFillNow(dini, par);
  back   = DiniHome_Private(dini);
  PetscCall(failed); /* the first error is the one to report */
  PetscCall(back);
  par->current = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = F_m x or F_m^H x. An error in a callback under it leaves x locked by PETSc: that is undone. */
static PetscErrorCode DiniParameterMult(DiniParameter par, PetscBool adjoint, Vec x, Vec y)
{
  PetscErrorCode failed;
  PetscInt       locks;
  PetscBool      normed;
  char           what[256];

  PetscFunctionBegin;
  PetscCall(VecLockGet(x, &locks));
  failed = adjoint ? MatMultHermitianTranspose(par->Fm, x, y) : MatMult(par->Fm, x, y);
  PetscCall(DiniUnlock_Private(x, locks));
  PetscCall(failed);
  PetscCall(MatHasOperation(par->Fm, MATOP_NORM, &normed));
  if (normed || !par->Fmuser) PetscFunctionReturn(PETSC_SUCCESS); /* has been looked at where it was filled */
  PetscCall(PetscSNPrintf(what, sizeof(what), "The product with F_m of parameter \"%s\"", par->name));
  PetscCall(DiniCheckFinite_Private(par->dini, y, what, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Which blocks dm moves, their directions in par->x, and F_m of those: all of them before anything is multiplied, for what F_m
  is held against takes the work vectors of the object, and y or lambda may be one.
*/
static PetscErrorCode DiniParameterMoves(Dini dini, Vec dm)
{
  PetscInt offset = 0;
  char     what[256];

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscReal     norm;

    par->moves = PETSC_FALSE;
    if (!par->active) continue;
    PetscCall(DiniParameterTake_Private(par, dm, offset));
    offset += par->n;
    PetscCall(PetscSNPrintf(what, sizeof(what), "The direction dm of parameter \"%s\"", par->name));
    PetscCall(DiniCheckFinite_Private(dini, par->x, what, &norm));
    if (norm == 0.0) continue;
    par->moves = PETSC_TRUE;
    PetscCall(DiniParameterCheckReal_Private(dini, par, par->x, what));
    PetscCall(DiniParameterEnsure_Private(dini, par));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = sum of F_m dm over the active blocks; blocks whose direction is zero are not even filled. */
PetscErrorCode DiniParameterApply_Private(Dini dini, Vec dm, Vec y, PetscBool *zero)
{
  PetscInt offset = 0;

  PetscFunctionBegin;
  *zero = PETSC_TRUE;
  PetscCall(DiniParameterMoves(dini, dm));
  PetscCall(VecSet(y, 0.0));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (par->moves) PetscCall(DiniParameterTake_Private(par, dm, offset));
    offset += par->n;
    if (!par->moves) continue;
    PetscCall(DiniActiveTangent_Private(dini, par->m, par->x, y, zero));
    if (!par->Fm) continue;
    /* no adjoint is under way: lambda is a work vector here */
    PetscCall(DiniParameterMult(par, PETSC_FALSE, par->x, dini->lambda));
    PetscCall(DiniActiveProject_Private(dini, dini->lambda));
    PetscCall(VecAXPY(y, 1.0, dini->lambda));
    *zero = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar = F_m^H lambda, block by block; with bounds, what blocks that are bounds of a variational inequality add to it */
static PetscErrorCode DiniParameterApplyAdjoint(Dini dini, PetscBool bounds, Vec lambda, Vec mbar)
{
  PetscInt  offset = 0;
  PetscReal norm;
  Vec       part; /* of lambda: all of it, but in a variational inequality */

  PetscFunctionBegin;
  PetscCall(DiniActivePart_Private(dini, lambda, &part));
  PetscCall(DiniNormMax_Private(part, &norm));
  for (PetscInt p = 0; p < dini->nparams; p++)
    if (norm != 0.0 && dini->params[p]->active) PetscCall(DiniParameterEnsure_Private(dini, dini->params[p]));
  PetscCall(DiniActivePart_Private(dini, lambda, &part)); /* anew: to ensure F_m takes work vectors */
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscBool     has;

    if (!par->active) continue;
    if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
    if (norm == 0.0 || !par->Fm) PetscCall(VecSet(par->x, 0.0));
    else {
      PetscCall(DiniHasAdjoint_Private(par->Fm, &has));
      PetscCheck(
          has, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
          "%s: F_m of parameter \"%s\" (type \"%s\", %" PetscInt_FMT
          " columns) has no transposed product, so there is no adjoint. Give one of: a matrix or a pattern "
          "(DiniSetParameterJacobian()), a Vec from a DM on the state's grid, from which a pattern follows, products "
          "(DiniSetParameterOperator()), or, for a small block of type fd, -dini_parameter_%s_max_columns "
          "%" PetscInt_FMT,
          DiniLabel_Private(dini), par->name, par->kind->name, par->N, par->name, par->N);
      PetscCall(DiniParameterMult(par, PETSC_TRUE, part, par->x));
    }
    if (bounds) PetscCall(DiniActiveAdjoint_Private(dini, par->m, lambda, part, par->x));
    if (par->real) PetscCall(VecRealPart(par->x)); /* dJ = Re g^H dm for real dm */
    PetscCall(DiniParameterGive_Private(par, mbar, offset));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Minus the cotangent of m that belongs to an adjoint solution lambda */
PetscErrorCode DiniParameterApplyAdjoint_Private(Dini dini, Vec lambda, Vec mbar)
{
  PetscFunctionBegin;
  PetscCall(DiniParameterApplyAdjoint(dini, PETSC_TRUE, lambda, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m^H lambda alone, as differences of F_m want it */
PetscErrorCode DiniParameterApplyAdjointF_Private(Dini dini, Vec lambda, Vec mbar)
{
  PetscFunctionBegin;
  PetscCall(DiniParameterApplyAdjoint(dini, PETSC_FALSE, lambda, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives F_m of one block at the solution, as a Mat.

  Collective.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  p    number of the block
  @param[out] Fm   rows laid out as the state, columns as the block; not to be destroyed; NULL for type DINIPARAMETERZERO
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameterJacobian(Dini dini, PetscInt p, Mat *Fm)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  PetscCall(DiniLinearize_Private(dini));
  PetscCall(DiniParameterEnsure_Private(dini, par));
  *Fm = par->Fm;
  PetscFunctionReturn(PETSC_SUCCESS);
}
