/*
  The dear rungs: a KSP of Dini's own on the assembled transpose, and a factorisation of J.

  The companion's preconditioner takes the type of the forward one and reads the same options, unless -dini_adjoint_pc_type
  says otherwise. A multigrid hierarchy keeps its interpolation, with Galerkin coarse operators: aggregating again would
  cost more, and coarse operators rediscretised through a DM would be those of J.
*/
#include "../private/diniengineimpl.h"
#include <petsctime.h>

/* PETSc frees the process grid of two SuperLU_DIST factors on one communicator twice: MUMPS is used where there is one */
static PetscErrorCode DiniAvoidSecondGrid(PC pc)
{
  MatSolverType solver = NULL;
  PetscBool     factored, dist = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, ""));
  if (factored) PetscCall(PCFactorGetMatSolverType(pc, &solver));
  if (solver) PetscCall(PetscStrcmp(solver, MATSOLVERSUPERLU_DIST, &dist));
#if defined(PETSC_HAVE_MUMPS)
  if (dist) {
    PetscCall(PCReset(pc)); /* a factor made already is of the other package */
    PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
  }
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCopyFactor(PC from, PC to)
{
  MatSolverType solver = NULL;

  PetscFunctionBegin;
  PetscCall(PCFactorGetMatSolverType(from, &solver));
  if (!solver) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCFactorSetMatSolverType(to, solver));
  PetscCall(DiniAvoidSecondGrid(to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCopySplits(PC from, PC to)
{
  PCCompositeType          type;
  PCFieldSplitSchurPreType ptype;
  PetscInt                 n;
  KSP                     *sub;
  IS                       is;
  Mat                      pre, preH;
  const char              *prefix, *name;
  char                     field[128];

  PetscFunctionBegin;
  PetscCall(PCFieldSplitGetType(from, &type));
  PetscCall(PCFieldSplitSetType(to, type));
  PetscCall(PCFieldSplitGetSubKSP(from, &n, &sub));
  if (type == PC_COMPOSITE_SCHUR) n = PetscMin(n, 2);
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PCFieldSplitGetISByIndex(from, i, &is));
    PetscCall(KSPGetOptionsPrefix(sub[i], &prefix));
    PetscCall(PetscStrrstr(prefix, "fieldsplit_", (char **)&name)); /* ..._fieldsplit_<name>_ */
    PetscCall(PetscStrncpy(field, name ? name + 11 : "", sizeof(field)));
    if (field[0]) field[strlen(field) - 1] = 0;
    PetscCall(PCFieldSplitSetIS(to, field[0] ? field : NULL, is));
  }
  PetscCall(PetscFree(sub));
  if (type == PC_COMPOSITE_SCHUR) {
    PetscCall(PCFieldSplitGetSchurPre(from, &ptype, &pre));
    if (ptype == PC_FIELDSPLIT_SCHUR_PRE_USER && pre) {
      PetscCall(MatHermitianTranspose(pre, MAT_INITIAL_MATRIX, &preH));
      PetscCall(PCFieldSplitSetSchurPre(to, ptype, preH));
      PetscCall(MatDestroy(&preH));
    } else PetscCall(PCFieldSplitSetSchurPre(to, ptype, NULL));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The same interpolations and smoothers, on Galerkin operators of P^H */
static PetscErrorCode DiniCopyLevels(PC from, PC to)
{
  PetscInt levels;
  Mat      interpolation;
  KSP      old, new;
  PC       oldpc, newpc;
  KSPType  ksptype;
  PCType   pctype;

  PetscFunctionBegin;
  PetscCall(PCMGGetLevels(from, &levels));
  PetscCall(PCSetType(to, PCMG));
  PetscCall(PCMGSetLevels(to, levels, NULL));
  PetscCall(PCMGSetGalerkin(to, PC_MG_GALERKIN_BOTH));
  for (PetscInt l = 1; l < levels; l++) {
    PetscCall(PCMGGetInterpolation(from, l, &interpolation));
    PetscCall(PCMGSetInterpolation(to, l, interpolation));
    PetscCall(PCMGGetSmoother(from, l, &old));
    PetscCall(PCMGGetSmoother(to, l, &new));
    PetscCall(KSPGetType(old, &ksptype));
    PetscCall(KSPSetType(new, ksptype));
    PetscCall(KSPGetPC(old, &oldpc));
    PetscCall(KSPGetPC(new, &newpc));
    PetscCall(PCGetType(oldpc, &pctype));
    PetscCall(PCSetType(newpc, pctype));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The types inside; what the application has set on them by calls stays behind */
static PetscErrorCode DiniCopyComposite(PC from, PC to)
{
  PCCompositeType type;
  PetscInt        n;
  PC              sub;
  PCType          subtype;

  PetscFunctionBegin;
  PetscCall(PCCompositeGetType(from, &type));
  PetscCall(PCCompositeSetType(to, type));
  PetscCall(PCCompositeGetNumberPC(from, &n));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PCCompositeGetPC(from, i, &sub));
    PetscCall(PCGetType(sub, &subtype));
    if (subtype) PetscCall(PCCompositeAddPCType(to, subtype));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The type of the forward preconditioner, with what its options alone would not tell */
static PetscErrorCode DiniCopyPC(Dini dini, PC from, PC to)
{
  PCType    type;
  PetscBool is, levels;
  PetscInt  n = 0;

  PetscFunctionBegin;
  PetscCall(PCGetType(from, &type));
  if (!type) { /* PETSc chooses the type in the set-up */
    PetscCall(DiniEngineSetUpPC_Private(dini, PETSC_FALSE));
    PetscCall(PCGetType(from, &type));
  }
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &is, PCSHELL, PCMAT, ""));
  if (is) PetscFunctionReturn(PETSC_SUCCESS); /* the application's own code: no transpose of it can be made here */
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &levels, PCMG, PCGAMG, PCML, PCHMG, ""));
  if (levels) PetscCall(PCMGGetLevels(from, &n));
  if (n > 1) {
    PetscCall(DiniCopyLevels(from, to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PCSetType(to, type));
  PetscCall(DiniCopyFactor(from, to));
  PetscCall(PetscObjectTypeCompare((PetscObject)from, PCFIELDSPLIT, &is));
  if (is) PetscCall(DiniCopySplits(from, to));
  PetscCall(PetscObjectTypeCompare((PetscObject)from, PCCOMPOSITE, &is));
  if (is) PetscCall(DiniCopyComposite(from, to));
#if defined(PETSC_HAVE_HYPRE)
  PetscCall(PetscObjectTypeCompare((PetscObject)from, PCHYPRE, &is));
  if (is) {
    const char *name;

    PetscCall(PCHYPREGetType(from, &name));
    if (name) PetscCall(PCHYPRESetType(to, name));
  }
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateCompanion(Dini dini)
{
  DiniEngine  e = dini->engine;
  PC          pc;
  PetscBool   mg;
  const char *prefix, *pcprefix;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)dini), &e->companion));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)e->companion, (PetscObject)dini, 1));
  PetscCall(KSPGetOptionsPrefix(e->ksp[DINI_ADJOINT], &prefix));
  PetscCall(KSPSetOptionsPrefix(e->companion, prefix));
  PetscCall(KSPSetType(e->companion, KSPFGMRES));
  PetscCall(KSPSetNormType(e->companion, KSP_NORM_UNPRECONDITIONED));
  PetscCall(KSPGMRESSetRestart(e->companion, 100));
  PetscCall(KSPSetTolerances(e->companion, 0.5 * e->rtol[DINI_ADJOINT], PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(e->companion, &pc));
  PetscCall(PCGetOptionsPrefix(e->pc, &pcprefix));
  PetscCall(PCSetOptionsPrefix(pc, pcprefix)); /* the forward solver's options reach the preconditioners inside it */
  PetscCall(PCSetOperators(pc, e->J == e->P ? e->PH : e->JH, e->PH));
  PetscCall(DiniCopyPC(dini, e->pc, pc));
  if (dini->fromoptions) {
    PetscBool norm;

    PetscCall(PetscOptionsHasName(((PetscObject)dini)->options, prefix, "-ksp_type", &norm));
    if (norm) PetscCall(KSPSetNormType(e->companion, KSP_NORM_DEFAULT));
    PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCMG, &mg)); /* its type would be read back to gamg, say */
    if (mg) PetscCall(KSPSetSkipPCSetFromOptions(e->companion, PETSC_TRUE));
    PetscCall(KSPSetFromOptions(e->companion));
    PetscCall(DiniAvoidSecondGrid(pc)); /* the forward solver's options ask for the same package */
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The values of P^H, in place where the pattern has not changed */
static PetscErrorCode DiniTransposeP(Dini dini)
{
  DiniEngine       e = dini->engine;
  PetscObjectState pattern;
  PetscBool        mine, all;
  PetscInt         blocks;
  const PetscInt  *sizes;

  PetscFunctionBegin;
  PetscCall(MatGetNonzeroState(e->P, &pattern));
  mine = (PetscBool)(e->PH && pattern == e->pattern);
  PetscCall(MPIU_Allreduce(&mine, &all, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)dini)));
  if (!all) {
    PetscCall(MatDestroy(&e->PH));
    PetscCall(KSPDestroy(&e->companion));
  }
  PetscCall(MatHermitianTranspose(e->P, all ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &e->PH));
  e->pattern = pattern;
  PetscCall(MatGetVariableBlockSizes(e->P, &blocks, &sizes));
  if (blocks) PetscCall(MatSetVariableBlockSizes(e->PH, blocks, (PetscInt *)sizes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetUpCompanion(Dini dini, PetscBool own)
{
  DiniEngine e = dini->engine;
  PetscBool  factored;
  KSP        ksp;
  PC         pc;

  PetscFunctionBegin;
  PetscCall(DiniTransposeP(dini));
  if (!own && !e->companion) PetscCall(DiniCreateCompanion(dini));
  ksp = own ? e->ksp[DINI_ADJOINT] : e->companion;
  PetscCall(KSPSetOperators(ksp, e->J == e->P ? e->PH : e->JH, e->PH));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetUp(pc));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, PCQR, ""));
  dini->stats.pc_setups++;
  if (factored) dini->stats.factorizations++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The KSP of the explicit transpose, with the values of the point; its preconditioner is set up here, once for a point. NULL
  where that is beyond PETSc: a forward type that can not be copied, or not be set up for this matrix. An error of a
  preconditioner that the user has chosen for the transpose stays an error.
*/
PetscErrorCode DiniEngineGetCompanion_Private(Dini dini, KSP *ksp)
{
  DiniEngine     e = dini->engine;
  PetscBool      own;
  PetscErrorCode mine;
  int            failed, any;
  PetscBool      broken;
  PC             pc;

  PetscFunctionBegin;
  PetscCall(DiniEngineOwnsPC_Private(dini, DINI_ADJOINT, &own));
  *ksp = NULL;
  if (e->companionfailed) PetscFunctionReturn(PETSC_SUCCESS);
  if (own && !e->companionready) PetscCall(DiniSetUpCompanion(dini, own));
  else if (!e->companionready) {
    PetscCall(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
    mine = DiniSetUpCompanion(dini, own);
    PetscCall(PetscPopErrorHandler());
    failed = mine != 0;
    PetscCall(MPIU_Allreduce(&failed, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)dini)));
    if (any) {
      PetscCall(PetscInfo(dini, "A companion of type %s can not be set up on the transpose (PETSc error %d here)\n",
                          ((PetscObject)e->pc)->type_name, (int)mine));
      e->companionfailed = PETSC_TRUE;
      e->companionnever  = PETSC_TRUE;
      e->companion       = NULL; /* what PETSc has left half-made is not touched again, and not made again */
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  e->companionready = PETSC_TRUE;
  PetscCall(KSPGetPC(own ? e->ksp[DINI_ADJOINT] : e->companion, &pc));
  PetscCall(DiniEnginePCFailed_Private(dini, pc, &broken));
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
static PetscErrorCode DiniCreateDirect(Dini dini)
{
  DiniEngine    e      = dini->engine;
  MatSolverType solver = NULL;
  PetscBool     aij, available;
  PetscMPIInt   size;

  PetscFunctionBegin;
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)e->J, &aij, MATSEQAIJ, MATMPIAIJ, ""));
  if (!aij) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetFactorAvailable(e->J, MATSOLVERMUMPS, MAT_FACTOR_LU, &available));
  if (available) solver = MATSOLVERMUMPS;
  else {
    PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)dini), &size));
    if (size == 1) solver = MATSOLVERPETSC;
  }
  if (!solver) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCCreate(PetscObjectComm((PetscObject)dini), &e->direct));
  PetscCall(PCSetOptionsPrefix(e->direct, ((PetscObject)dini)->prefix));
  PetscCall(PCAppendOptionsPrefix(e->direct, "dini_direct_"));
  PetscCall(PCSetType(e->direct, PCLU));
  PetscCall(PCFactorSetMatSolverType(e->direct, solver));
  if (dini->fromoptions) PetscCall(PCSetFromOptions(e->direct));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is there a direct solver for J? Factorised when a solve has come to it, see DiniEngineSetUpDirect_Private(). */
PetscErrorCode DiniEngineGetDirect_Private(Dini dini, PetscBool *exists)
{
  PetscFunctionBegin;
  if (!dini->engine->direct) PetscCall(DiniCreateDirect(dini));
  *exists = (PetscBool)(dini->engine->direct != NULL);
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineSetUpDirect_Private(Dini dini, PetscBool *failed)
{
  DiniEngine e = dini->engine;

  PetscFunctionBegin;
  if (!e->directready) {
    PetscCall(PCSetOperators(e->direct, e->J, e->J));
    PetscCall(PCSetUp(e->direct));
    dini->stats.pc_setups++;
    dini->stats.factorizations++;
    e->directready = PETSC_TRUE;
  }
  PetscCall(DiniEnginePCFailed_Private(dini, e->direct, failed));
  if (*failed) { /* MUMPS does not recover from a factorisation that failed: begin anew at the next point */
    PetscCall(PCReset(e->direct));
    e->directready = PETSC_FALSE;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}
