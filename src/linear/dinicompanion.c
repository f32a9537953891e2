/*
  The dear rungs: a KSP of Dini's own on the assembled transpose, and a factorisation of J.

  The companion's preconditioner takes the type of the forward one and reads the same options, unless -dini_adjoint_pc_type
  says otherwise. A multigrid hierarchy keeps its interpolation, with Galerkin coarse operators: aggregating again would
  cost more, and coarse operators rediscretised through a DM would be those of J. It knows P^H only, which is assembled, and
  with -pc_use_amat an assembled J^H: the one that the KSP has makes no blocks.
*/
#include "../private/diniengineimpl.h"

/* The forward solver's options reach the preconditioner and those inside it */
static PetscErrorCode DiniCreateCompanionPC(DiniEngine e)
{
  PetscBool   mg, inside;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(
      PetscObjectTypeCompareAny((PetscObject)e->pc, &inside, PCFIELDSPLIT, PCMG, PCGAMG, PCML, PCHMG, PCCOMPOSITE, ""));
  if (inside || !((PetscObject)e->pc)->type_name) /* what is inside, or even the type, is known after a set-up */
    PetscCall(DiniEngineSetUpPC_Private(e, PETSC_FALSE));
  PetscCall(PCCreate(PetscObjectComm((PetscObject)e), &e->companionpc));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)e->companionpc, (PetscObject)e, 2));
  PetscCall(PCGetOptionsPrefix(e->pc, &prefix));
  PetscCall(PCSetOptionsPrefix(e->companionpc, prefix));
  PetscCall(PCSetOperators(e->companionpc, e->AH, e->PH));
  PetscCall(DiniCopyPC_Private(e->pc, e->companionpc));
  PetscCall(PetscObjectTypeCompare((PetscObject)e->companionpc, PCMG, &mg)); /* would be read back to gamg, say */
  if (!e->terms.fromoptions || mg) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCSetFromOptions(e->companionpc));
  PetscCall(DiniAvoidSecondGrid_Private(e->companionpc)); /* the options ask for the same package */
  PetscCall(DiniAvoidTrick_Private(e->companionpc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateCompanion(DiniEngine e)
{
  PC          pc;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(DiniCreateCompanionPC(e));
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)e), &e->companion));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)e->companion, (PetscObject)e, 1));
  PetscCall(KSPGetOptionsPrefix(e->ksp[DINI_ADJOINT], &prefix));
  PetscCall(KSPSetOptionsPrefix(e->companion, prefix));
  PetscCall(KSPSetType(e->companion, KSPFGMRES));
  PetscCall(KSPSetNormType(e->companion, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPGMRESSetRestart(e->companion, 100));
  PetscCall(KSPSetTolerances(e->companion, 0.5 * e->rtol[DINI_ADJOINT], PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(e->companion, &pc));
  PetscCall(DiniEngineSetShell_Private(e, pc));
  if (e->terms.fromoptions) {
    PetscBool norm;

    PetscCall(PetscOptionsHasName(((PetscObject)e)->options, prefix, "-ksp_type", &norm));
    if (norm) PetscCall(KSPSetNormType(e->companion, KSP_NORM_DEFAULT));
    PetscCall(KSPSetFromOptions(e->companion));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineDropCompanion_Private(DiniEngine e)
{
  PetscFunctionBegin;
  PetscCall(KSPDestroy(&e->companion));
  PetscCall(PCDestroy(&e->companionpc));
  e->companionready = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can A be transposed into a matrix of its own? A nest can where all of its blocks can. */
PetscErrorCode DiniTransposable_Private(Mat A, PetscBool *yes)
{
  PetscBool nest;
  PetscInt  m, n;
  Mat       block;

  PetscFunctionBegin;
  PetscCall(MatHasOperation(A, MATOP_TRANSPOSE, yes));
  PetscCall(PetscObjectTypeCompare((PetscObject)A, MATNEST, &nest));
  if (!nest) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatNestGetSize(A, &m, &n));
  for (PetscInt i = 0; i < m; i++)
    for (PetscInt j = 0; j < n && *yes; j++) {
      PetscCall(MatNestGetSubMat(A, i, j, &block));
      if (block) PetscCall(DiniTransposable_Private(block, yes));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  B = A^H, in place where the pattern has not changed; made: it has been made anew. Nothing to do where A has not changed:
  MatTranspose() leaves B then, and MatHermitianTranspose() conjugates it once more.
*/
static PetscErrorCode DiniTransposeInto(DiniEngine e, Mat A, Mat *B, DiniTransposeState *known, PetscBool *made)
{
  DiniTransposeState now;
  PetscBool          mine[2], all[2];

  PetscFunctionBegin;
  PetscCall(MatGetNonzeroState(A, &now.pattern));
  PetscCall(PetscObjectStateGet((PetscObject)A, &now.values));
  mine[0] = (PetscBool)(*B && now.pattern == known->pattern);
  mine[1] = (PetscBool)(mine[0] && now.values == known->values);
  PetscCall(MPIU_Allreduce(mine, all, 2, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)e)));
  *made  = (PetscBool)!all[0];
  *known = now;
  if (all[1]) PetscFunctionReturn(PETSC_SUCCESS);
  if (*made) PetscCall(MatDestroy(B));
  PetscCall(MatHermitianTranspose(A, *made ? MAT_INITIAL_MATRIX : MAT_REUSE_MATRIX, B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* P^H, and J^H where the preconditioner needs blocks of it */
static PetscErrorCode DiniTransposeMatrices(DiniEngine e)
{
  PetscBool       made[2], amat = PETSC_FALSE;
  PetscInt        blocks;
  const PetscInt *sizes;

  PetscFunctionBegin;
  PetscCall(DiniTransposeInto(e, e->P, &e->PH, &e->transposedfrom[0], &made[0]));
  PetscCall(MatGetVariableBlockSizes(e->P, &blocks, &sizes));
  if (blocks) PetscCall(MatSetVariableBlockSizes(e->PH, blocks, (PetscInt *)sizes));
  made[1] = made[0];
  if (e->J != e->P && e->pc) PetscCall(DiniUsesAmat_Private(e->pc, &amat));
  if (amat) PetscCall(DiniTransposable_Private(e->J, &amat));
  if (amat && e->AH == e->PH) PetscCall(MatDestroy(&e->AH));
  if (amat) PetscCall(DiniTransposeInto(e, e->J, &e->AH, &e->transposedfrom[1], &made[1]));
  else {
    PetscCall(PetscObjectReference((PetscObject)e->PH));
    PetscCall(MatDestroy(&e->AH));
    e->AH = e->PH;
  }
  if (made[0] || made[1]) PetscCall(DiniEngineDropCompanion_Private(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A second SuperLU_DIST that would stand inside the companion, out of reach: there is no companion then. PETSc's heap breaks */
static PetscErrorCode DiniSecondGrid(DiniEngine e, PetscBool *inside)
{
  PetscBool factored;

  PetscFunctionBegin;
  *inside = PETSC_FALSE;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->pc, &factored, PCLU, PCCHOLESKY, ""));
  if (!factored) PetscCall(DiniUsesGrid_Private(e->pc, inside)); /* of the outermost itself, another package */
  if (*inside)
    PetscCall(PetscInfo(e,
                        "No explicit transpose: SuperLU_DIST is used inside the forward preconditioner, and two of its "
                        "factorisations on one communicator break PETSc's heap\n"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUpCompanion(DiniEngine e, PetscBool own)
{
  PetscBool factored, first = (PetscBool)(!own && !e->companion);
  KSP       ksp;
  PC        pc;

  PetscFunctionBegin;
  if (first) PetscCall(DiniCreateCompanion(e));
  ksp = own ? e->ksp[DINI_ADJOINT] : e->companion;
  PetscCall(KSPSetOperators(ksp, e->J == e->P ? e->PH : e->JH, e->PH));
  if (own) {
    PetscBool uses = PETSC_FALSE;

    PetscCall(KSPGetPC(ksp, &pc));
    if (e->pc) PetscCall(DiniUsesGrid_Private(e->pc, &uses));
    if (uses) PetscCall(DiniAvoidSecondGrid_Private(pc));
  } else {
    pc = e->companionpc;
    PetscCall(PCSetOperators(pc, e->AH, e->PH));
  }
  PetscCall(PCSetUp(pc));
  if (first) PetscCall(DiniCopyInside_Private(e->pc, pc));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, PCQR, ""));
  e->stats->pc_setups++;
  if (factored) e->stats->factorizations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The KSP of the explicit transpose, with the values of the point; its preconditioner is set up here, once for a point. NULL: none */
PetscErrorCode DiniEngineGetCompanion_Private(DiniEngine e, KSP *ksp)
{
  PetscBool own, broken, transposable, grid = PETSC_FALSE;
  PC        pc;

  PetscFunctionBegin;
  PetscCall(DiniEngineOwnsPC_Private(e, DINI_ADJOINT, &own));
  *ksp = NULL;
  PetscCall(DiniTransposable_Private(e->P, &transposable));
  if (e->companionfailed || !transposable) PetscFunctionReturn(PETSC_SUCCESS);
  if (!own && !e->companion) PetscCall(DiniSecondGrid(e, &grid));
  if (grid) e->companionfailed = PETSC_TRUE;
  if (grid) PetscFunctionReturn(PETSC_SUCCESS);
  if (!e->companionready) {
    PetscCall(DiniTransposeMatrices(e));
    PetscCall(DiniSetUpCompanion(e, own));
  }
  e->companionready = PETSC_TRUE;
  pc                = e->companionpc;
  if (own) PetscCall(KSPGetPC(e->ksp[DINI_ADJOINT], &pc));
  PetscCall(DiniEnginePCFailed_Private(e, pc, &broken));
  if (broken) {
    PetscCall(PCReset(pc));
    e->companionready  = PETSC_FALSE;
    e->companionfailed = PETSC_TRUE; /* at this point */
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  *ksp = own ? e->ksp[DINI_ADJOINT] : e->companion;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A sparse factorisation of J, where there is one that also solves with the transpose; e->direct is NULL where not. */
static PetscErrorCode DiniCreateDirect(DiniEngine e)
{
  MatSolverType solver = NULL;
  PetscBool     aij, available;
  PetscMPIInt   size;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)e->J, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetFactorAvailable(e->J, MATSOLVERMUMPS, MAT_FACTOR_LU, &available));
  if (available) solver = MATSOLVERMUMPS;
  else {
    PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)e), &size));
    if (size == 1) solver = MATSOLVERPETSC;
  }
  if (!solver) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCCreate(PetscObjectComm((PetscObject)e), &e->direct));
  PetscCall(PCSetOptionsPrefix(e->direct, ((PetscObject)e)->prefix));
  PetscCall(PCAppendOptionsPrefix(e->direct, "dini_direct_"));
  PetscCall(PCSetType(e->direct, PCLU));
  PetscCall(PCFactorSetMatSolverType(e->direct, solver));
  if (e->terms.fromoptions) PetscCall(PCSetFromOptions(e->direct));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a direct solver for J? Factorised when a solve has come to it, see DiniEngineSetUpDirect_Private(). */
PetscErrorCode DiniEngineGetDirect_Private(DiniEngine e, PetscBool *exists)
{
  PetscFunctionBegin;
  if (!e->direct) PetscCall(DiniCreateDirect(e));
  *exists = (PetscBool)(e->direct != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves may begin with it (DiniEngineBeginDirect_Private()) before anybody has asked whether it exists: failed, where not */
PetscErrorCode DiniEngineSetUpDirect_Private(DiniEngine e, PetscBool *failed)
{
  PetscBool exists = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetDirect_Private(e, &exists));
  *failed = (PetscBool)!exists;
  if (!exists) PetscFunctionReturn(PETSC_SUCCESS);
  if (!e->directready) {
    PetscCall(PCSetOperators(e->direct, e->J, e->J));
    PetscCall(PCSetUp(e->direct));
    e->stats->pc_setups++;
    e->stats->factorizations++;
    e->directready = PETSC_TRUE;
  }
  PetscCall(DiniEnginePCFailed_Private(e, e->direct, failed));
  if (*failed) { /* MUMPS does not recover from a factorisation that failed: begin anew at the next point */
    PetscCall(PCReset(e->direct));
    e->directready = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
