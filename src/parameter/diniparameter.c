/* Named blocks of parameters: what the application gives. Setters do no work. */
#include "../private/diniparameterimpl.h"

/* F_m has to be made anew, and what was learnt about it is void. */
PetscErrorCode DiniParameterDrop_Private(Dini dini, DiniParameter par)
{
  PetscFunctionBegin;
  PetscCall(DiniMark_Private(NULL, &par->held));
  PetscCall(DiniShellDestroy_Private(&par->Fm, par));
  PetscCall(DiniColoringDestroy_Private(&par->coloring));
  PetscCall(VecDestroy(&par->ureal));
  PetscCall(DMDestroy(&par->pattern));
  PetscCall(PetscFree(par->columns));
  PetscCall(PetscFree(par->errors));
  PetscCall(DiniRangeDestroy_Private(&par->range));
  par->kind    = NULL;
  par->current = PETSC_FALSE;
  par->guarded = par->boundsguarded = par->seenzero = PETSC_FALSE;
  par->error = par->missed = par->lost = 0.0;
  PetscCall(PetscObjectStateIncrease((PetscObject)dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniFind(Dini dini, const char name[], PetscInt *p)
{
  PetscBool same;

  PetscFunctionBegin;
  *p = -1;
  for (PetscInt i = 0; i < dini->nparams; i++) {
    PetscCall(PetscStrcmp(dini->params[i]->name, name, &same));
    if (same) *p = i;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The layout of the flat parameter vector has changed, so the derivative and Hessian Mats have. */
static PetscErrorCode DiniParameterRelayout(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniProductsRelease_Private(&dini->D));
  DiniEachFeature(reset, dini);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds a named block of parameters.
  @level{beginner}

  Collective.

  @param[in]  dini the Dini
  @param[in]  name name in messages and options; letters, digits and underscores, unlike the other blocks'
  @param[in]  m    the block's values, of any layout on the communicator of the Dini; the application's residual reads this
                   Vec, or gets it from the update callback; referenced
  @param[out] p    number of the block, may be NULL
  @return 0 or a PETSc error code

  Without DiniSetParameterUpdate() Dini perturbs m in place to take differences of F, and puts its values back.

  @see DiniAddScalarParameter(), DiniSetParameterUpdate(), DiniSetParameterJacobian(), DiniSetParameterOperator()
*/
PetscErrorCode DiniAddParameter(Dini dini, const char name[], Vec m, PetscInt *p)
{
  DiniParameter par;
  PetscInt      other;
  const char   *s = name;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniAddParameter()"));
  PetscCheck(name && name[0], PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "A parameter needs a name");
  PetscCheck(m, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "Parameter \"%s\" needs a Vec", name);
  for (; *s; s++)
    PetscCheck((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9') || *s == '_',
               PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
               "Parameter name \"%s\" is part of option names, so it takes letters, digits and underscores only", name);
  PetscCall(DiniFind(dini, name, &other));
  PetscCheck(other < 0, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG, "There already is a parameter \"%s\"",
             name);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)m, name));
  PetscCall(DiniParameterRefuseAlias_Private(dini, name, m));
  if (dini->nparams == dini->maxparams) {
    PetscInt       larger = PetscMax(4, 2 * dini->maxparams);
    DiniParameter *params;

    PetscCall(PetscCalloc1(larger, &params));
    for (PetscInt i = 0; i < dini->nparams; i++) params[i] = dini->params[i];
    PetscCall(PetscFree(dini->params));
    dini->params    = params;
    dini->maxparams = larger;
  }
  PetscCall(PetscNew(&par));
  PetscCall(PetscStrallocpy(name, &par->name));
  PetscCall(PetscObjectReference((PetscObject)m));
  par->dini       = dini;
  par->m          = m;
  par->active     = PETSC_TRUE;
  par->difference = DINI_DIFFERENCE_CENTRAL;
  par->maxcolumns = 64;
  PetscCall(VecGetLocalSize(m, &par->n));
  PetscCall(VecGetSize(m, &par->N));
  dini->params[dini->nparams] = par;
  if (p) *p = dini->nparams;
  dini->nparams++;
  dini->stage = DINI_STAGE_NEW;
  PetscCall(DiniParameterRelayout(dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Adds a scalar that the application keeps in a variable of its own, on every rank.
  @level{beginner}

  Collective. The block is a Vec with one entry, on rank 0. Whenever it changes, Dini writes the value into the variable on
  every rank, so no update callback is needed; and when the application changes the variable, the next DiniSolve() takes it
  over (the value on rank 0 counts). F_m is taken by differences unless DiniSetParameterJacobian() or another provider is
  given.

  @param[in]  dini  the Dini
  @param[in]  name  name in messages and options
  @param[in]  value the variable; must outlive the Dini
  @param[out] p     number of the block, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniAddScalarParameter(Dini dini, const char name[], PetscScalar *value, PetscInt *p)
{
  Vec         m;
  PetscInt    number;
  PetscMPIInt rank;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniAddScalarParameter()"));
  PetscCheck(value, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "Parameter \"%s\" needs a variable", name);
  PetscCallMPI(MPI_Comm_rank(PetscObjectComm((PetscObject)dini), &rank));
  PetscCall(VecCreate(PetscObjectComm((PetscObject)dini), &m));
  PetscCall(VecSetSizes(m, rank == 0 ? 1 : 0, 1));
  PetscCall(VecSetType(m, VECSTANDARD));
  PetscCall(VecSet(m, *value));
  PetscCall(DiniAddParameter(dini, name, m, &number));
  PetscCall(VecDestroy(&m));
  dini->params[number]->scalar = value;
  dini->params[number]->value  = *value;
  if (p) *p = number;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells how many blocks have been added.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[out] n    their number, active or not
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetNumberParameters(Dini dini, PetscInt *n)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  *n = dini->nparams;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Finds a block by its name.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[in]  name the name
  @param[out] p    number of the block, -1 when there is none of that name; who uses that is told the name and the nearest
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniFindParameter(Dini dini, const char name[], PetscInt *p)
{
  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCheck(name, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL,
             "DiniFindParameter() got no name to look for");
  PetscCall(DiniFind(dini, name, p));
  if (*p < 0) PetscCall(PetscStrncpy(dini->sought, name, sizeof(dini->sought)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the name and the values of a block.
  @level{intermediate}

  Not Collective.

  @param[in]  dini the Dini
  @param[in]  p    number of the block
  @param[out] name its name, may be NULL if not wanted
  @param[out] m    its Vec, the one given to DiniAddParameter(), may be NULL if not wanted
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameter(Dini dini, PetscInt p, const char *name[], Vec *m)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  if (name) *name = par->name;
  if (m) *m = par->m;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives the callback that hands a block's values to the application's residual.
  @level{beginner}

  Logically Collective. It is called before each forward solve and whenever Dini changes the values, as for differences.

  @param[in] dini the Dini
  @param[in] p    number of the block
  @param[in] fn   reads m, and may keep nothing of it but copies; NULL when the residual reads the Vec itself
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetParameterUpdate(Dini dini, PetscInt p, DiniParameterUpdateFn *fn, void *ctx)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterUpdate()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  par->update    = fn;
  par->updatectx = ctx;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives F_m of a block as a matrix, or as the pattern of one.
  @level{intermediate}

  Logically Collective.

  @param[in] dini the Dini
  @param[in] p    number of the block
  @param[in] Fm   matrix with the row layout of the state and the column layout of the block; referenced
  @param[in] fn   fills Fm at (u, m). NULL makes Fm a pattern, filled by coloured differences of F (type
                  DINIPARAMETERCOLORING); with type DINIPARAMETERMATRIX and no fn, Fm is a constant
  @param[in] ctx  context of fn, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetParameterJacobian(Dini dini, PetscInt p, Mat Fm, DiniParameterJacobianFn *fn, void *ctx)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterJacobian()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  PetscCheck(Fm, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_NULL, "F_m of parameter \"%s\" is NULL", par->name);
  PetscCall(DiniCheckComm_Private(dini, (PetscObject)Fm, par->name));
  PetscCall(PetscObjectReference((PetscObject)Fm));
  PetscCall(MatDestroy(&par->Fmuser));
  par->Fmuser  = Fm;
  par->fill    = fn;
  par->fillctx = ctx;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Gives F_m of a block by its products.
  @level{intermediate}

  Logically Collective. That the two belong to each other is checked once, see DiniSetGuard().

  @param[in] dini         the Dini
  @param[in] p            number of the block
  @param[in] apply        y = F_m x at (u, m); x has the layout of the block, y that of the state
  @param[in] applyadjoint y = F_m^H x at (u, m); x has the layout of the state, y that of the block
  @param[in] ctx          context of both, may be NULL
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniSetParameterOperator(Dini dini, PetscInt p, DiniParameterApplyFn *apply,
                                        DiniParameterApplyFn *applyadjoint, void *ctx)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterOperator()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  par->together     = PETSC_FALSE;
  par->apply        = apply;
  par->applyadjoint = applyadjoint;
  par->applyctx     = ctx;
  PetscCall(DiniParameterDrop_Private(dini, par));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Switches a block on or off as a variable. An inactive block is a constant and costs nothing.
  @level{intermediate}

  Logically Collective. Flat parameter vectors hold the active blocks only, so those made before no longer fit.

  @param[in] dini   the Dini
  @param[in] p      number of the block
  @param[in] active PETSC_TRUE (default) or PETSC_FALSE
  @return 0 or a PETSc error code

  Option: `-dini_parameter_<name>_active <true|false>`.
*/
PetscErrorCode DiniSetParameterActive(Dini dini, PetscInt p, PetscBool active)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniIdle_Private(dini, "DiniSetParameterActive()"));
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  if (par->active != active) PetscCall(DiniParameterRelayout(dini));
  par->active = active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/**
  @brief Tells whether a block is a variable.
  @level{intermediate}

  Not Collective.

  @param[in]  dini   the Dini
  @param[in]  p      number of the block
  @param[out] active PETSC_TRUE when it is
  @return 0 or a PETSc error code
*/
PetscErrorCode DiniGetParameterActive(Dini dini, PetscInt p, PetscBool *active)
{
  DiniParameter par;

  PetscFunctionBegin;
  PetscValidHeaderSpecific(dini, DINI_CLASSID, 1);
  PetscCall(DiniGetParameter_Private(dini, p, &par));
  *active = par->active;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterReset_Private(Dini dini)
{
  PetscFunctionBegin;
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscCall(DiniParameterDrop_Private(dini, dini->params[p]));
    PetscCall(VecDestroy(&dini->params[p]->copy));
    PetscCall(VecDestroy(&dini->params[p]->x));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniParameterDestroy_Private(Dini dini)
{
  PetscFunctionBegin;
  PetscCall(DiniParameterReset_Private(dini));
  for (PetscInt p = 0; p < dini->nparams; p++) {
    PetscCall(MatDestroy(&dini->params[p]->Fmuser));
    PetscCall(VecDestroy(&dini->params[p]->m));
    PetscCall(PetscFree(dini->params[p]->name));
    PetscCall(PetscFree(dini->params[p]));
  }
  PetscCall(PetscFree(dini->params));
  dini->nparams = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}
