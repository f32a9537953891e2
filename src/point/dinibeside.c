/*
  Beside the point: J^H lambda and F_m^H lambda at (u + h du, m + h dm), for differences of first-order products.

  The application's own matrices and parameters are used, since colourings and many callbacks know no others, and get their
  values back afterwards. Their object states have grown, as everybody's caches must see; the preconditioners that Dini
  applies are told that the values are those they were made of.
*/
#include "../private/diniparameterimpl.h"
#include "../private/petscaccess.h"

typedef struct {
  Mat              A, copy; /* no copy: A can not be saved */
  PetscObjectState state;
} DiniSaved;

typedef struct {
  Vec        u, state;
  Vec       *m; /* values of the active blocks */
  PetscInt64 stamp;
  DiniSaved  J, P;
  DiniSaved *Fm;
} DiniHome;

static PetscErrorCode DiniSave(Mat A, DiniSaved *saved)
{
  PetscBool copies;

  PetscFunctionBegin;
  saved->A    = A;
  saved->copy = NULL;
  if (!A) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectStateGet((PetscObject)A, &saved->state));
  PetscCall(DiniMatCopies_Private(A, &copies));
  if (!copies) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatDuplicate(A, MAT_COPY_VALUES, &saved->copy));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPutBack(Dini dini, DiniSaved *saved)
{
  PetscFunctionBegin;
  if (saved->copy) PetscCall(DiniMatCopy_Private(saved->copy, saved->A, SAME_NONZERO_PATTERN));
  PetscCall(MatDestroy(&saved->copy));
  if (saved->A) PetscCall(DiniEngineSameValues_Private(dini->engine, saved->A, saved->state));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLeave(Dini dini, PetscBool matrices, DiniHome *home)
{
  const PetscBool own = (PetscBool)(matrices && (!dini->system || dini->Juser));
  Mat             J, P;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscInt locked;

    PetscCall(VecLockGet(dini->params[p]->m, &locked));
    PetscCheck(!locked || !dini->params[p]->active, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONGSTATE,
               "The Vec of parameter \"%s\" is locked by the application, so no difference can be taken in it",
               dini->params[p]->name);
  }
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniFilterFull_Private(dini, &J, &P));
  home->u     = dini->u;
  home->state = dini->state;
  home->stamp = dini->mstamp;
  PetscCall(PetscCalloc2(dini->nparams, &home->m, dini->nparams, &home->Fm));
  PetscCall(DiniSave(own ? J : NULL, &home->J));
  PetscCall(DiniSave(own && P != J ? P : NULL, &home->P));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    PetscCall(VecDuplicate(par->copy, &home->m[p]));
    PetscCall(VecCopy(par->copy, home->m[p]));
    if (matrices && par->current && par->kind->fill) PetscCall(DiniSave(par->Fm, &home->Fm[p]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The parameters at m + h dm, or back at m for a NULL dm, all of them whatever fails; F_m no longer belongs to them */
static PetscErrorCode DiniMoveParameters(Dini dini, DiniHome *home, PetscReal h, Vec dm)
{
  PetscInt       offset = 0;
  PetscErrorCode failed = PETSC_SUCCESS, pushed;

  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams && (!failed || !dm); p++) {
    DiniParameter par = dini->params[p];

    if (!par->active) continue;
    if (dm) {
      PetscCall(DiniParameterTake_Private(par, dm, offset));
      PetscCall(VecWAXPY(par->copy, h, par->x, home->m[p]));
    } else PetscCall(VecCopy(home->m[p], par->copy));
    offset += par->n;
    PetscCall(VecCopy(par->copy, par->m));
    PetscCall(DiniGhosts_Private(par->m));
    PetscCall(PetscObjectStateGet((PetscObject)par->m, &par->state));
    pushed = DiniParameterPushOne_Private(dini, par);
    if (!failed) failed = pushed;
    if (par->kind && par->kind->fill) par->current = PETSC_FALSE;
  }
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Everything as DiniLeave() found it, whatever has happened in between */
static PetscErrorCode DiniComeHome(Dini dini, DiniHome *home)
{
  const PetscBool again = (PetscBool)((home->J.A && !home->J.copy) || (home->P.A && !home->P.copy));
  Mat             J, P;
  Vec             latest = NULL;
  PetscErrorCode  failed;

  PetscFunctionBegin;
  dini->u      = home->u;
  dini->state  = home->state;
  dini->beside = PETSC_FALSE;
  dini->sized  = NULL;
  failed       = DiniMoveParameters(dini, home, 0.0, NULL);
  if (!failed) dini->mstamp = home->stamp;
  if (!failed) failed = DiniHome_Private(dini);
  for (PetscInt p = 0; p < dini->nparams; p++) {
    DiniParameter par = dini->params[p];

    if (home->Fm[p].copy) par->current = PETSC_TRUE;
    PetscCall(DiniPutBack(dini, &home->Fm[p]));
    if (par->current) PetscCall(DiniMarkAgain_Private(&par->held));
    PetscCall(VecDestroy(&home->m[p]));
  }
  PetscCall(PetscFree2(home->m, home->Fm));
  if (again && !failed) failed = DiniJacobianBeside_Private(dini, &J); /* a shell keeps its point to itself */
  PetscCall(DiniPutBack(dini, &home->J));
  PetscCall(DiniPutBack(dini, &home->P));
  if (home->J.A) PetscCall(DiniMarkAgain_Private(&dini->held));
  if (failed) PetscCall(DiniInvalidate_Private(dini)); /* what the application holds now is anybody's guess */
  PetscCall(failed);
  PetscCall(DiniEngineGetJacobian_Private(dini->engine, &J, &P));
  PetscCall(DiniFilterFull_Private(dini, &J, &P));
  if (P) PetscCall(DiniMatGetState_Private(P, &latest));
  if (latest) PetscCall(DiniMatSetState_Private(P, dini->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Calls visit() with state and parameters at (u + h du, m + h dm), then at (u - h du, m - h dm), and comes back. Meanwhile
  dini->u and dini->state are a vector of Dini's own. Without matrices, visit() must leave J and F_m alone.
*/
PetscErrorCode DiniBeside_Private(Dini dini, PetscReal h, Vec du, Vec dm, PetscBool matrices,
                                  PetscErrorCode (*visit)(Dini, PetscReal sign, void *), void *ctx)
{
  DiniHome       home = {0};
  Vec            u;
  PetscErrorCode failed = PETSC_SUCCESS;

  PetscFunctionBegin;
  if (matrices && dini->stage == DINI_STAGE_LINEARIZED) PetscCall(DiniRefuseStale_Private(dini)); /* J is older */
  PetscCall(DiniLeave(dini, matrices, &home));
  PetscCall(VecDuplicate(home.u, &u));
  dini->u = dini->state = u;
  dini->beside          = PETSC_TRUE;
  dini->sized           = home.u;
  dini->closed++;
  for (int side = 1; side >= -1 && !failed; side -= 2) {
    failed = VecWAXPY(u, side * h, du, home.u);
    if (!failed) failed = DiniMoveParameters(dini, &home, side * h, dm);
    if (!failed) failed = (*visit)(dini, (PetscReal)side, ctx);
  }
  if (failed) (void)DiniComeHome(dini, &home); /* the first error is the one to report */
  else failed = DiniComeHome(dini, &home);
  dini->closed--;
  PetscCall(VecDestroy(&u));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J where the object is, at the point or inside DiniBeside_Private() */
PetscErrorCode DiniBesideJacobian_Private(Dini dini, const char product[], const char cure[], Mat *J)
{
  Mat P;

  PetscFunctionBegin;
  if (dini->system && !dini->Juser) PetscCall((*dini->system->beside)(dini, J));
  else if (dini->beside) PetscCall(DiniJacobianBeside_Private(dini, J));
  else {
    PetscCall(DiniEngineGetJacobian_Private(dini->engine, J, &P));
    if (*J) PetscCall(DiniFilterFull_Private(dini, J, &P));
  }
  PetscCheck(*J, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "%s: The second derivatives of F are wanted by differences of %s, and nobody has given J; give %sJ to "
             "DiniSetJacobian()",
             DiniLabel_Private(dini), product, cure);
  PetscFunctionReturn(PETSC_SUCCESS);
}
