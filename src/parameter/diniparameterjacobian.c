/* F_m of each block as a Mat: made once, filled once a point. */
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
  if (dini->system && dini->system->rhsjacobian) {
    PetscCall((*dini->system->rhsjacobian)(dini, par->m, Fm));
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
  PetscBool any;

  PetscFunctionBegin;
  PetscCall(MatGetLocalSize(Fm, &m, &n));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)Fm, dini->n, par->n, &any));
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
  PetscBool  guarded = (PetscBool)(par->guarded && par->rangestate == dini->source.rangestate);
  PetscInt64 since;
  PetscBool  moved, any, suspect = PETSC_FALSE;
  uint64_t   from = 0;

  PetscFunctionBegin;
  if (par->kind->fill) PetscCall((*par->kind->fill)(dini, par, par->Fm));
  if (dini->beside) PetscFunctionReturn(PETSC_SUCCESS);
  since = dini->callouts;
  PetscCall(DiniMark_Private(par->Fm, &par->held));
  if (!dini->guard) PetscFunctionReturn(PETSC_SUCCESS);
  if (par->kind->fill && par->Fmuser) { /* by a callback that may have stopped to, though something has moved */
    PetscCall(DiniVecSum_Private(dini->u, &from));
    PetscCall(DiniVecSum_Private(par->copy, &from));
    PetscCall(DiniSteady_Private(PetscObjectComm((PetscObject)dini), par->held.known, from, par->held.sum, &par->steady,
                                 &suspect));
  }
  if (suspect) par->rangestate = -1;
  if (suspect) guarded = PETSC_FALSE;
  PetscCall(DiniGuardParameter_Private(dini, par));
  if (suspect) par->steady.constant = PETSC_TRUE;
  if (dini->callouts == since) PetscFunctionReturn(PETSC_SUCCESS); /* nothing of the application's has run */
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

/* Has another block the same matrix? */
PetscBool DiniParameterShared_Private(Dini dini, DiniParameter par)
{
  for (PetscInt p = 0; p < dini->nparams && par->Fmuser; p++)
    if (dini->params[p] != par && dini->params[p]->Fmuser == par->Fmuser) return PETSC_TRUE;
  return PETSC_FALSE;
}

/* One matrix for two blocks: the other one has filled it since this one was ensured. No guard, which takes work vectors. */
PetscErrorCode DiniParameterShare_Private(Dini dini, DiniParameter par)
{
  PetscFunctionBegin;
  if (!DiniParameterShared_Private(dini, par)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniParameterStays(dini, par));
  if (par->current) PetscFunctionReturn(PETSC_SUCCESS);
  if (par->kind->fill) PetscCall((*par->kind->fill)(dini, par, par->Fm));
  PetscCall(DiniMark_Private(par->Fm, &par->held));
  par->current = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives F_m of one block at the solution, as a Mat.
  @level{advanced}

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
