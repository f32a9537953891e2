/*
  The derivative pinned to a point: what a relation that contains another one multiplies with.

  The residual of the outer relation moves the inner Dini about, beside the outer point too (line searches, guards,
  differences), so "the derivative at the last solution" is not the one that an outer Jacobian means. A pinned derivative
  remembers the values of u and m, and takes its Dini back to them when it finds it elsewhere.
*/
#include "../private/diniparameterimpl.h"

typedef struct {
  Vec         m;      /* at the point */
  Vec         aside;  /* the application's values, while those of the point are in its block */
  PetscScalar scalar; /* and its scalar, this rank */
  PetscBool   active;
} DiniPinnedBlock;

typedef struct {
  Dini             dini;    /* a reference */
  PetscInt         p;       /* columns: this block, or DINI_ALL_PARAMETERS */
  PetscInt         nparams; /* blocks there were */
  DiniPinnedBlock *blocks;
  Vec              u; /* at the point */
  PetscInt64       point, relation, mstamp;
  PetscReal        fnorm; /* |F| there */
} DiniPinned;

/* One of the products of the derivative: of a Vec, or of a dense matrix */
typedef struct {
  PetscBool transpose;
  Vec       x, y;
  Mat       X, Y;
} DiniPinnedProduct;

/* Columns as at creation? */
static PetscErrorCode DiniPinnedCheck(DiniPinned *pin)
{
  Dini      dini = pin->dini;
  PetscBool same = (PetscBool)(dini->nparams == pin->nparams);

  PetscFunctionBegin;
  for (PetscInt q = 0; q < pin->nparams && same; q++)
    if (dini->params[q]->active != pin->blocks[q].active) same = PETSC_FALSE;
  PetscCheck(same, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s: parameters have been added or switched on or off since this derivative was created; create it again "
             "with DiniCreateDerivative()",
             DiniLabel_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Takes the values of the point that the Dini stands at */
static PetscErrorCode DiniPin_Derivative(Mat D)
{
  DiniPinned *pin;
  Dini        dini;
  PetscInt    n;

  PetscFunctionBegin;
  PetscCall(DiniProductsOwner_Private(D, &pin));
  dini = pin->dini;
  PetscCall(DiniPinnedCheck(pin));
  PetscCall(DiniCheckPoint_Private(dini));
  PetscCall(DiniCheckRequested_Private(dini)); /* now, with all blocks */
  PetscCall(MatGetLocalSize(D, &n, NULL));
  PetscCheck(n == dini->n, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: the state has another size than when this derivative was created; create it again with "
             "DiniCreateDerivative()",
             DiniLabel_Private(dini));
  PetscCall(VecCopy(dini->ucopy, pin->u));
  for (PetscInt q = 0; q < pin->nparams; q++) PetscCall(VecCopy(dini->params[q]->copy, pin->blocks[q].m));
  pin->point    = dini->point;
  pin->relation = dini->relation;
  pin->mstamp   = dini->mstamp;
  pin->fnorm    = dini->fpoint >= 0.0 ? dini->fpoint : dini->fnorm; /* not what a check has found since */
  PetscCall(DiniProductsMoved_Private(D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the Dini stand at a point with these very values, and does its state Vec still hold them? */
static PetscErrorCode DiniPinnedThere(DiniPinned *pin, PetscBool *there)
{
  Dini dini = pin->dini;

  PetscFunctionBegin;
  *there = PETSC_FALSE;
  if (dini->stage == DINI_STAGE_NEW) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecEqual(dini->u, pin->u, there));
  if (dini->point == pin->point) PetscFunctionReturn(PETSC_SUCCESS);
  if (*there) PetscCall(VecEqual(dini->ucopy, pin->u, there));
  for (PetscInt q = 0; q < pin->nparams && *there; q++)
    PetscCall(VecEqual(dini->params[q]->copy, pin->blocks[q].m, there));
  if (*there) {
    pin->point  = dini->point;
    pin->mstamp = dini->mpoint;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Hands out the values of the point, or those laid aside, of every block: one that has them already is told as well */
static PetscErrorCode DiniPinnedPush(DiniPinned *pin, PetscBool aside)
{
  PetscFunctionBegin;
  for (PetscInt q = 0; q < pin->nparams; q++) {
    DiniParameter par = pin->dini->params[q];

    PetscCall(VecCopy(aside ? pin->blocks[q].aside : pin->blocks[q].m, par->m));
    PetscCall(DiniGhosts_Private(par->m));
    PetscCall(DiniParameterPushOne_Private(pin->dini, par));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's blocks hold other values: those are laid aside, and the point's put in */
static PetscErrorCode DiniPinnedSwap(DiniPinned *pin, PetscBool *swapped)
{
  Dini      dini = pin->dini;
  PetscBool same = PETSC_TRUE, differs, all;

  PetscFunctionBegin;
  *swapped = PETSC_FALSE;
  for (PetscInt q = 0; q < pin->nparams && same; q++) {
    DiniParameter par = dini->params[q];

    PetscCall(VecEqual(par->m, pin->blocks[q].m, &same));
    differs = (PetscBool)(par->scalar && *par->scalar != par->value);
    PetscCall(MPIU_Allreduce(&differs, &all, 1, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
    if (all) same = PETSC_FALSE;
  }
  if (same) PetscFunctionReturn(PETSC_SUCCESS);
  for (PetscInt q = 0; q < pin->nparams; q++) {
    DiniParameter par = dini->params[q];
    PetscInt      locked;

    PetscCall(VecLockGet(par->m, &locked));
    PetscCheck(!locked, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
               "%s: the Vec of parameter \"%s\" is locked by the application, so a derivative pinned at other values "
               "can not be applied now",
               DiniLabel_Private(dini), par->name);
    if (!pin->blocks[q].aside) PetscCall(VecDuplicate(par->m, &pin->blocks[q].aside));
    PetscCall(VecCopy(par->m, pin->blocks[q].aside));
    pin->blocks[q].scalar = par->scalar ? *par->scalar : 0.0;
  }
  *swapped = PETSC_TRUE;
  PetscCall(DiniPinnedPush(pin, PETSC_FALSE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Somebody has written into matrices that a callback fills: u may solve the relation with them too, so they are filled anew */
static PetscErrorCode DiniPinnedSystem(Dini dini)
{
  PetscBool touched[2], any[2];

  PetscFunctionBegin;
  if (!dini->system) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall((*dini->system->touched)(dini, touched));
  PetscCall(MPIU_Allreduce(touched, any, 2, DINI_MPI_BOOL, MPI_LOR, PetscObjectComm((PetscObject)dini)));
  if (any[0] || any[1]) PetscCall(DiniParameterPush_Private(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The Dini has moved on: back to u. That F is as small there as it was says that the relation is the same. */
static PetscErrorCode DiniPinnedReturn(DiniPinned *pin, PetscBool *elsewhere)
{
  Dini      dini     = pin->dini;
  PetscBool accepted = PETSC_FALSE;
  PetscReal norm, scale;

  PetscFunctionBegin;
  PetscCheck(
      !dini->ops->jvp, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s, of type \"%s\", has derivatives at its last solution alone (pairs of another one are gone), so one that is "
      "pinned elsewhere can not be applied any more; solve there again and call DiniPinDerivative()",
      DiniLabel_Private(dini), ((PetscObject)dini)->type_name);
  PetscCall(DiniPinnedSystem(dini));
  if (!dini->active) {
    PetscCall(DiniResidual_Private(dini, pin->u, dini->w[0], NULL));
    PetscCall(DiniNorm_Private(dini->w[0], &norm));
    accepted = (PetscBool)(norm <= PetscMax(10.0 * pin->fnorm, dini->attachatol));
  }
  if (!accepted) { /* rounding may have done it; of a variational inequality F is not zero at all */
    PetscCall(DiniAcceptState_Private(dini, pin->u, dini->attachrtol, &norm, &scale, &accepted));
    PetscCheck(accepted || norm <= 10.0 * pin->fnorm, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
               "%s: the state that this derivative is pinned to is no solution any more: |F(u, m)| was %g and is %g. F "
               "depends on something that has changed and is no parameter; solve again and call DiniPinDerivative()",
               DiniLabel_Private(dini), (double)pin->fnorm, (double)norm);
  }
  dini->fsolve = norm;
  PetscCall(DiniSetPoint_Private(dini, pin->u));
  dini->fnorm = dini->stats.forward_residual = norm;
  *elsewhere                                 = PETSC_TRUE;
  pin->point                                 = dini->point;
  pin->mstamp                                = dini->mstamp;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPinnedMultiply(Dini dini, const DiniPinnedProduct *p)
{
  const DiniProductOps *does = &DiniDerivativeProducts_Private;

  PetscFunctionBegin;
  if (p->x) PetscCall((p->transpose ? does->multtranspose : does->mult)(dini, p->x, p->y));
  else PetscCall((p->transpose ? does->transposematmult : does->matmult)(dini, p->X, p->Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  A product at the point of the pin, with only its blocks active. The application's parameters hold their own values again
  afterwards; where the Dini was taken back it stays there, and refuses other derivatives until the next solve.
*/
static PetscErrorCode DiniPinnedApply(DiniPinned *pin, const DiniPinnedProduct *product)
{
  Dini           dini = pin->dini;
  PetscBool      there, swapped = PETSC_FALSE, elsewhere;
  PetscErrorCode failed;

  PetscFunctionBegin;
  PetscCheck(pin->relation == dini->relation, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
             "%s has been reset or given another relation since this derivative was pinned; solve again and call "
             "DiniPinDerivative()",
             DiniLabel_Private(dini));
  PetscCall(DiniPinnedCheck(pin));
  PetscCall(DiniPinnedThere(pin, &there));
  elsewhere = dini->elsewhere;
  failed    = DiniPinnedSwap(pin, &swapped);
  if (!failed && !swapped && dini->mstamp != pin->mstamp)
    failed = DiniParameterPush_Private(dini); /* handed others last */
  if (!failed && !there) failed = DiniPinnedReturn(pin, &elsewhere);
  if (!failed) {
    dini->mstamp    = pin->mstamp; /* the values are those of the stamp again */
    dini->elsewhere = PETSC_FALSE;
    for (PetscInt q = 0; q < pin->nparams; q++)
      if (pin->p != DINI_ALL_PARAMETERS) dini->params[q]->active = (PetscBool)(q == pin->p);
    dini->closed++; /* to callbacks: blocks, values and point are those of the pin */
    failed = DiniPinnedMultiply(dini, product);
    dini->closed--;
    for (PetscInt q = 0; q < pin->nparams; q++) dini->params[q]->active = pin->blocks[q].active;
  }
  dini->elsewhere = elsewhere;
  if (swapped) {
    PetscErrorCode back = DiniPinnedPush(pin, PETSC_TRUE);

    for (PetscInt q = 0; q < pin->nparams; q++)
      if (dini->params[q]->scalar) *dini->params[q]->scalar = pin->blocks[q].scalar;
    if (!failed) failed = back; /* the first error is the one to report */
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPinnedMult(void *pin, Vec dm, Vec du)
{
  return DiniPinnedApply((DiniPinned *)pin, &(DiniPinnedProduct){.x = dm, .y = du});
}

static PetscErrorCode DiniPinnedMultTranspose(void *pin, Vec ubar, Vec mbar)
{
  return DiniPinnedApply((DiniPinned *)pin, &(DiniPinnedProduct){.transpose = PETSC_TRUE, .x = ubar, .y = mbar});
}

static PetscErrorCode DiniPinnedMatMult(void *pin, Mat dM, Mat dU)
{
  return DiniPinnedApply((DiniPinned *)pin, &(DiniPinnedProduct){.X = dM, .Y = dU});
}

static PetscErrorCode DiniPinnedTransposeMatMult(void *pin, Mat Ubar, Mat Mbar)
{
  return DiniPinnedApply((DiniPinned *)pin, &(DiniPinnedProduct){.transpose = PETSC_TRUE, .X = Ubar, .Y = Mbar});
}

static PetscErrorCode DiniPinnedDestroy(void *ctx)
{
  DiniPinned *pin = (DiniPinned *)ctx;

  PetscFunctionBegin;
  PetscCall(VecDestroy(&pin->u));
  for (PetscInt q = 0; q < pin->nparams; q++) {
    PetscCall(VecDestroy(&pin->blocks[q].m));
    PetscCall(VecDestroy(&pin->blocks[q].aside));
  }
  PetscCall(PetscFree(pin->blocks));
  PetscCall(DiniDestroy(&pin->dini));
  PetscCall(PetscFree(pin));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const DiniProductOps DiniPinnedProducts = {.what             = "pinned derivative",
                                                  .again            = "DiniCreateDerivative()",
                                                  .mult             = DiniPinnedMult,
                                                  .multtranspose    = DiniPinnedMultTranspose,
                                                  .matmult          = DiniPinnedMatMult,
                                                  .transposematmult = DiniPinnedTransposeMatMult,
                                                  .destroy          = DiniPinnedDestroy};

static PetscErrorCode DiniPinnedCreate(Dini dini, PetscInt p, DiniPinned **out)
{
  DiniPinned *pin;
  PetscInt    count = dini->nparams;

  PetscFunctionBegin;
  PetscCall(PetscNew(&pin));
  PetscCall(PetscCalloc1(count, &pin->blocks));
  PetscCall(PetscObjectReference((PetscObject)dini));
  pin->dini    = dini;
  pin->p       = p;
  pin->nparams = count;
  PetscCall(VecDuplicate(dini->u, &pin->u));
  for (PetscInt q = 0; q < count; q++) {
    PetscCall(VecDuplicate(dini->params[q]->m, &pin->blocks[q].m));
    pin->blocks[q].active = dini->params[q]->active;
  }
  *out = pin;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Creates the derivative at the present point, which stays at that point: du/dm, or du/dm_p for one block.
  @level{intermediate}

  Collective. A Mat for composition: the Jacobian of a relation whose residual contains the solve of this Dini, a chain of
  maps, a comparison of two points. Products as in DiniGetDerivative(). Whatever the Dini has done since, a product is that of
  the point: the Dini is taken back to it, at the price of a residual and of an assembly of J, and afterwards refuses
  DiniJVP() and the like until the next DiniSolve() or DiniAttach(). The application's parameters are handed the values of
  the point during the product, and have their own again after it.

  @param[in]  dini the Dini, after DiniSolve() or DiniAttach()
  @param[in]  p    number of an active block, or DINI_ALL_PARAMETERS for all active ones
  @param[out] D    rows laid out as the state, columns as the block or as a flat parameter vector; references the Dini; the
                   caller destroys it
  @return 0 or a PETSc error code; PETSC_ERR_ORDER before a solve. Products raise PETSC_ERR_ARG_WRONGSTATE when the relation
          or its blocks have been changed since

  @see DiniPinDerivative(), DiniGetDerivative(), MatCreateComposite()
*/
PetscErrorCode DiniCreateDerivative(Dini dini, PetscInt p, Mat *D)
{
  DiniPinned   *pin = NULL;
  DiniParameter par;
  PetscInt      n, N;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniCheckPoint_Private(dini));
  if (p == DINI_ALL_PARAMETERS) {
    PetscCall(DiniParameterLayout_Private(dini, &n, &N));
    PetscCheck(N > 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
               "%s has no active parameter to differentiate with respect to; call DiniAddParameter()",
               DiniLabel_Private(dini));
  } else {
    PetscCall(DiniGetParameter_Private(dini, p, &par));
    PetscCheck(par->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "%s: parameter \"%s\" is inactive, so there is no derivative with respect to it; see "
               "DiniSetParameterActive()",
               DiniLabel_Private(dini), par->name);
    n = par->n;
    N = par->N;
  }
  PetscCall(DiniPinnedCreate(dini, p, &pin));
  PetscCall(DiniProductsCreate_Private((PetscObject)dini, (PetscInt[2]){dini->n, dini->N}, (PetscInt[2]){n, N},
                                       &DiniPinnedProducts, pin, D));
  PetscCall(PetscObjectComposeFunction((PetscObject)*D, "DiniPinDerivative_C", DiniPin_Derivative));
  PetscCall(DiniPin_Derivative(*D));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Moves a pinned derivative to the present point of its Dini.
  @level{advanced}

  Collective. So that one Mat, in a composition made once, serves all points: call it in the Jacobian callback after the
  solve at the new point.

  @param[in] D a Mat of DiniCreateDerivative()
  @return 0 or a PETSc error code; PETSC_ERR_ORDER when its Dini has no solution, PETSC_ERR_SUP for any other Mat

  @see DiniCreateDerivative()
*/
PetscErrorCode DiniPinDerivative(Mat D)
{
  PetscErrorCode (*pin)(Mat) = NULL;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(D, MAT_CLASSID, 1);
  PetscCall(PetscObjectQueryFunction((PetscObject)D, "DiniPinDerivative_C", &pin));
  PetscCheck(pin, PetscObjectComm((PetscObject)D), PETSC_ERR_SUP,
             "This Mat is not a pinned derivative; create one with DiniCreateDerivative()");
  PetscCall((*pin)(D));
  PetscFunctionReturn(PETSC_SUCCESS);
}
