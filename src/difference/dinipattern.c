/*
  The pattern of F_m where the application gives none: from the DMs of state and block, when they are two views of one grid
  or mesh. What a residual can read of a block is what the block's DM gives it: its ghost points, or the closures of the
  cells around. A pattern that is too small all the same is found out by the guard and by the fill.
*/
#include "../private/diniparameterimpl.h"
#include <petscdmda.h>
#include <petscdmstag.h>
#include <petscdmplex.h>

typedef struct {
  PetscErrorCode (*related)(DM state, DM block, PetscBool *);
  PetscErrorCode (*fill)(DM state, DM block, Mat); /* inserts the entries; NULL: DMCreateMatrix() knows */
} DiniRelation;

static const DiniRelation DiniRelationGrid = {DiniPatternRelated_Grid, DiniPatternFill_Grid};
static const DiniRelation DiniRelationPlex = {DiniPatternRelated_Plex, DiniPatternFill_Plex};
static const DiniRelation DiniRelationSame = {NULL, NULL};

static PetscErrorCode DiniFindRelation(DM state, DM block, const DiniRelation **relation)
{
  PetscBool grid[2], plex[2];

  PetscFunctionBegin;
  *relation = NULL;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)state, &grid[0], DMDA, DMSTAG, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)block, &grid[1], DMDA, DMSTAG, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)state, DMPLEX, &plex[0]));
  PetscCall(PetscObjectTypeCompare((PetscObject)block, DMPLEX, &plex[1]));
  if (grid[0] && grid[1]) *relation = &DiniRelationGrid;
  else if (plex[0] && plex[1]) *relation = &DiniRelationPlex;
  else if (state == block) *relation = &DiniRelationSame;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The DM that lays out the state: the one of its Vec, or else the one of the SNES. NULL before the first solve. */
PetscErrorCode DiniPatternStateDM_Private(Dini dini, DM *dm)
{
  SNES snes = NULL;

  PetscFunctionBegin;
  *dm = NULL;
  if (!dini->u) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(VecGetDM(dini->u, dm));
  if (*dm) PetscFunctionReturn(PETSC_SUCCESS);
  PetscTryMethod(dini, "DiniGetSNES_C", (Dini, SNES *), (dini, &snes));
  if (snes) PetscCall(SNESGetDM(snes, dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does the DM lay out a vector of n local entries, on each rank? */
static PetscErrorCode DiniLaysOut(DM dm, PetscInt n, PetscBool *fits)
{
  Vec       v;
  PetscBool other;

  PetscFunctionBegin;
  PetscCall(DMGetGlobalVector(dm, &v));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dm), (PetscObject)v, n, -1, &other));
  PetscCall(DMRestoreGlobalVector(dm, &v));
  *fits = (PetscBool)!other;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniRelate(Dini dini, DiniParameter par, DM *state, DM *block, const DiniRelation **relation,
                                 const char **why)
{
  PetscBool fits[2], related = PETSC_TRUE;

  PetscFunctionBegin;
  *relation = NULL;
  *why      = NULL;
  PetscCall(DiniPatternStateDM_Private(dini, state));
  PetscCall(VecGetDM(par->m, block));
  if (!*block) *why = "its Vec has no DM";
  else if (!*state) *why = "the state has no DM";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniFindRelation(*state, *block, relation));
  if (!*relation) *why = "the DMs of state and block are of types that have nothing in common";
  if (*why) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniLaysOut(*state, dini->n, &fits[0]));
  PetscCall(DiniLaysOut(*block, par->n, &fits[1]));
  if (!fits[0]) *why = "the state is not laid out as its DM's global vectors";
  else if (!fits[1]) *why = "the block is not laid out as its DM's global vectors";
  else if ((*relation)->related) {
    PetscCall((*(*relation)->related)(*state, *block, &related));
    if (!related) *why = "the DMs of state and block differ in grid, distribution or boundary types";
  }
  if (*why) *relation = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a pattern for this block? Otherwise the reason, in words that follow "because" */
PetscErrorCode DiniPatternRelated_Private(Dini dini, DiniParameter par, PetscBool *related, char why[], size_t size)
{
  const DiniRelation *relation;
  const char         *reason;
  DM                  state, block;

  PetscFunctionBegin;
  PetscCall(DiniRelate(dini, par, &state, &block, &relation, &reason));
  *related = (PetscBool)(relation != NULL);
  if (why) PetscCall(PetscStrncpy(why, reason ? reason : "", size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One DM for both, of a type that only PETSc knows: as its matrices */
static PetscErrorCode DiniPatternSame(DM dm, Mat *Fm)
{
  MatType type;
  char    old[64];

  PetscFunctionBegin;
  PetscCall(DMGetMatType(dm, &type));
  PetscCall(PetscStrncpy(old, type, sizeof(old)));
  PetscCall(DMSetMatType(dm, MATAIJ));
  PetscCall(DMCreateMatrix(dm, Fm));
  PetscCall(DMSetMatType(dm, old));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Entries may belong to rows of other ranks, as those of elements do: the preallocator sends them there. */
static PetscErrorCode DiniPatternFilled(Dini dini, DiniParameter par, const DiniRelation *relation, DM state, DM block,
                                        Mat *Fm)
{
  MPI_Comm comm = PetscObjectComm((PetscObject)dini);
  Mat      entries;

  PetscFunctionBegin;
  PetscCall(MatCreate(comm, &entries));
  PetscCall(MatSetSizes(entries, dini->n, par->n, dini->N, par->N));
  PetscCall(MatSetType(entries, MATPREALLOCATOR));
  PetscCall(MatSetUp(entries));
  PetscCall((*relation->fill)(state, block, entries));
  PetscCall(MatAssemblyBegin(entries, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(entries, MAT_FINAL_ASSEMBLY));
  PetscCall(MatCreate(comm, Fm));
  PetscCall(MatSetSizes(*Fm, dini->n, par->n, dini->N, par->N));
  PetscCall(MatSetType(*Fm, MATAIJ));
  PetscCall(MatPreallocatorPreallocate(entries, PETSC_TRUE, *Fm));
  PetscCall(MatDestroy(&entries));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniPatternCreate_Private(Dini dini, DiniParameter par, Mat *Fm)
{
  const DiniRelation *relation;
  const char         *why;
  DM                  state, block;

  PetscFunctionBegin;
  PetscCall(DiniRelate(dini, par, &state, &block, &relation, &why));
  PetscCheck(relation, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "Parameter \"%s\" is of type \"coloring\" and has no pattern, and none follows from the DMs: %s. Give an "
             "assembled "
             "matrix with its nonzeros to DiniSetParameterJacobian(), a Vec from a DM on the same grid as the state's "
             "(VecSetDM()), "
             "products (DiniSetParameterOperator()), or take -dini_parameter_%s_type fd",
             par->name, why, par->name);
  if (relation->fill) PetscCall(DiniPatternFilled(dini, par, relation, state, block, Fm));
  else PetscCall(DiniPatternSame(state, Fm));
  PetscCall(PetscObjectReference((PetscObject)state));
  PetscCall(DMDestroy(&par->pattern));
  par->pattern = state;
  PetscFunctionReturn(PETSC_SUCCESS);
}
