/* Products with F_m of all active blocks, and with its adjoint. */
#include "../private/diniparameterimpl.h"

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

#define DINI_ENSURE_MAX 3

/*
  F_m of the active blocks, or of those that move: until filling one has not written into another one's. A matrix that two
  blocks share is looked at with its product.
*/
static PetscErrorCode DiniParameterEnsureAll(Dini dini, PetscBool moving)
{
  PetscFunctionBegin;
  for (int pass = 0; pass < DINI_ENSURE_MAX; pass++) {
    const PetscInt64 before  = dini->callouts;
    PetscInt         blocks  = 0;
    const char      *written = "";

    for (PetscInt p = 0; p < dini->nparams; p++) {
      DiniParameter    par   = dini->params[p];
      const PetscInt64 since = dini->callouts;

      if (!par->active || (moving && !par->moves) || (pass && DiniParameterShared_Private(dini, par))) continue;
      PetscCall(DiniParameterEnsure_Private(dini, par));
      if (dini->callouts != since) written = par->name;
      blocks++;
    }
    if (dini->callouts == before || blocks < 2) break;
    PetscCheck(
        pass + 1 < DINI_ENSURE_MAX, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
        "%s: F_m of parameter \"%s\" is written to whenever that of another one is filled: one of their callbacks "
        "writes into both. Give each a matrix and a callback of its own",
        DiniLabel_Private(dini), written);
  }
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
  }
  PetscCall(DiniParameterEnsureAll(dini, PETSC_TRUE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nobody has given F_m meanwhile */
static PetscBool DiniParameterIsTypes(Dini dini, const DiniParameter par)
{
  return (PetscBool)(par->together && dini->ops->parametermult && !par->Fmuser && !par->type[0]);
}

/* Those blocks whose products are the type's: y += sum of F_m dm, by work in lambda */
static PetscErrorCode DiniParameterTogether(Dini dini, Vec dm, Vec y)
{
  Vec           *x;
  PetscInt       offset = 0;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  PetscCall(PetscCalloc1(dini->nparams, &x));
  for (PetscInt p = 0; p < dini->nparams && !failed; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (par->moves && DiniParameterIsTypes(dini, par)) {
      failed = DiniParameterTake_Private(par, dm, offset);
      x[p]   = par->x;
    }
    offset += par->n;
  }
  if (!failed && dini->ops->parametermult) failed = (*dini->ops->parametermult)(dini, x, dini->lambda);
  PetscCall(PetscFree(x));
  PetscCall(failed);
  PetscCall(DiniCheckFinite_Private(dini, dini->lambda, "The product with F_m", NULL));
  PetscCall(VecAXPY(y, 1.0, dini->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = sum of F_m dm over the active blocks; blocks whose direction is zero are not even filled. */
PetscErrorCode DiniParameterApply_Private(Dini dini, Vec dm, Vec y, PetscBool *zero)
{
  PetscInt  offset   = 0;
  PetscBool together = PETSC_FALSE;

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
    if (DiniParameterIsTypes(dini, par)) {
      together = PETSC_TRUE;
      continue;
    }
    PetscCall(DiniFilterTangent_Private(dini, par->m, par->x, y, zero));
    if (!par->Fm) continue;
    PetscCall(DiniParameterShare_Private(dini, par));
    /* no adjoint is under way: lambda is a work vector here */
    PetscCall(DiniParameterMult(par, PETSC_FALSE, par->x, dini->lambda));
    PetscCall(DiniFilterProject_Private(dini, dini->lambda));
    PetscCall(VecAXPY(y, 1.0, dini->lambda));
    *zero = PETSC_FALSE;
  }
  if (together) PetscCall(DiniParameterTogether(dini, dm, y));
  if (together) *zero = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRequireAdjoint(Dini dini, DiniParameter par)
{
  PetscBool has;

  PetscFunctionBegin;
  PetscCall(DiniHasAdjoint_Private(par->Fm, &has));
  PetscCheck(
      has, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
      "%s: F_m of parameter \"%s\" (type \"%s\", %" PetscInt_FMT
      " columns) has no transposed product, so there is no adjoint. Give one of: a matrix or a pattern "
      "(DiniSetParameterJacobian()), a Vec from a DM on the state's grid, from which a pattern follows, products "
      "(DiniSetParameterOperator()), or, for a small block of type fd, -dini_parameter_%s_max_columns "
      "%" PetscInt_FMT,
      DiniLabel_Private(dini), par->name, par->kind->name, par->N, par->name, par->N);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* mbar = F_m^H lambda, block by block, with every F_m at hand; with bounds, what blocks that are bounds of a variational
   inequality add to it; zero: lambda is */
static PetscErrorCode DiniParameterProducts(Dini dini, PetscBool bounds, PetscBool zero, Vec lambda, Vec mbar)
{
  PetscInt offset = 0;
  Vec      part; /* of lambda: all of it, but in a variational inequality */

  PetscFunctionBegin;
  PetscCall(DiniFilterPart_Private(dini, lambda, &part)); /* anew: to ensure F_m takes work vectors */
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (!par->x) PetscCall(VecDuplicate(par->m, &par->x));
    if (zero || !par->Fm) PetscCall(VecSet(par->x, 0.0));
    else {
      PetscCall(DiniRequireAdjoint(dini, par));
      PetscCall(DiniParameterShare_Private(dini, par));
      PetscCall(DiniParameterMult(par, PETSC_TRUE, part, par->x));
    }
    if (bounds) PetscCall(DiniFilterAdjoint_Private(dini, par->m, lambda, part, par->x));
    if (par->real) PetscCall(VecRealPart(par->x)); /* dJ = Re g^H dm for real dm */
    PetscCall(DiniParameterGive_Private(par, mbar, offset));
    offset += par->n;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniParameterApplyAdjoint(Dini dini, PetscBool bounds, Vec lambda, Vec mbar)
{
  PetscReal norm;
  Vec       part;

  PetscFunctionBegin;
  PetscCall(DiniFilterPart_Private(dini, lambda, &part));
  PetscCall(DiniNormMax_Private(part, &norm));
  if (norm != 0.0) PetscCall(DiniParameterEnsureAll(dini, PETSC_FALSE));
  PetscCall(DiniParameterProducts(dini, bounds, (PetscBool)(norm == 0.0), lambda, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has somebody written into an F_m since it was filled, as during the solve? And |mbar|, by the same reduction */
static PetscErrorCode DiniParameterAfter(Dini dini, Vec mbar, PetscReal *norm, PetscBool *written)
{
  PetscReal sums[4] = {0.0};

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];
    PetscBool     mine;

    if (!par->active || !par->current) continue;
    if (DiniParameterShared_Private(dini, par))
      continue; /* has been looked at with its product, and is another block's by now */
    PetscCall(DiniMarkMoved_Private(&par->held, PETSC_FALSE, &mine));
    if (mine) sums[3] = 1.0;
  }
  PetscCall(DiniSquares_Private(mbar, sums));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, sums, 4, MPIU_REAL, MPIU_SUM, PetscObjectComm((PetscObject)dini)));
  *norm    = DiniRoot_Private(sums);
  *written = (PetscBool)(sums[3] > 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The same for the lambda of a VJP, which is not zero: one reduction, of everything that is to be known after the solve. An F_m
  that is there has been looked at with the point, before the solve, and is looked at again after its product.
*/
PetscErrorCode DiniParameterGradient_Private(Dini dini, Vec lambda, Vec mbar)
{
  PetscReal norm;
  PetscBool written = PETSC_TRUE;

  PetscFunctionBegin;
  if (!dini->active) {
    for (PetscInt p = 0; p < dini->nparams; p++)
      if (dini->params[p]->active && !dini->params[p]->current)
        PetscCall(DiniParameterEnsure_Private(dini, dini->params[p]));
    PetscCall(DiniParameterProducts(dini, PETSC_TRUE, PETSC_FALSE, lambda, mbar));
    PetscCall(DiniParameterAfter(dini, mbar, &norm, &written));
  }
  if (written) PetscCall(DiniParameterApplyAdjoint_Private(dini, lambda, mbar));
  else if (dini->call && !PetscIsInfOrNanReal(norm)) {
    dini->call->ahead.normed = mbar;
    dini->call->ahead.norm   = norm;
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
