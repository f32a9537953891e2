/*
  A preconditioner for the transpose after the model of the forward one: its types, splits, factor packages, interpolations.

  What may fail on the transpose is asked for before anything is set up. An error that comes back out of a collective call
  leaves messages behind, and whoever goes on with the communicator reads them: so no set-up is tried to see whether it works.
  What can not be made again from P^H alone, because it holds the application's own code or data, gives way to PETSc's default.
*/
#include "../private/diniengineimpl.h"

/* PETSc frees the process grid of two SuperLU_DIST factors on one communicator twice: MUMPS is used where there is one */
PetscErrorCode DiniAvoidSecondGrid_Private(PC pc)
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
  PetscCall(DiniAvoidSecondGrid_Private(to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCopySplits(PC from, PC to)
{
  PCCompositeType          type;
  PCFieldSplitSchurPreType ptype;
  PetscInt                 n;
  PetscBool                uses;
  KSP                     *sub;
  IS                       is;
  Mat                      pre, preH;
  const char              *prefix, *name;
  char                     field[128];

  PetscFunctionBegin;
  PetscCall(PCFieldSplitGetType(from, &type));
  PetscCall(PCFieldSplitSetType(to, type));
  PetscCall(PCFieldSplitGetDiagUseAmat(from, &uses));
  PetscCall(PCFieldSplitSetDiagUseAmat(to, uses));
  PetscCall(PCFieldSplitGetOffDiagUseAmat(from, &uses));
  PetscCall(PCFieldSplitSetOffDiagUseAmat(to, uses));
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

/* Interpolations that P^H can be multiplied with for coarse operators */
static PetscErrorCode DiniCanCopyLevels(PC from, Mat PH, PetscBool *yes)
{
  PetscInt levels;
  Mat      interpolation;

  PetscFunctionBegin;
  PetscCall(PCMGGetLevels(from, &levels));
  PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)PH, yes, MATSEQAIJ, MATMPIAIJ, ""));
  for (PetscInt l = 1; l < levels && *yes; l++) {
    PetscCall(PCMGGetInterpolation(from, l, &interpolation));
    PetscCall(PetscObjectBaseTypeCompareAny((PetscObject)interpolation, yes, MATSEQAIJ, MATMPIAIJ, MATSEQMAIJ,
                                            MATMPIMAIJ, ""));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Can such a preconditioner be set up from a matrix alone? */
static PetscErrorCode DiniCanCopy(PC from, Mat PH, PetscBool *yes)
{
  PetscBool levels, is;
  PetscInt  n = 0;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &levels, PCMG, PCGAMG, PCML, PCHMG, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, yes, PCNONE, PCJACOBI, PCPBJACOBI, PCVPBJACOBI, PCBJACOBI,
                                      PCASM, PCGASM, PCSOR, PCEISENSTAT, PCLU, PCCHOLESKY, PCQR, PCILU, PCICC, PCSVD,
                                      PCREDUNDANT, PCTELESCOPE, PCREDISTRIBUTE, PCKACZMARZ, PCSPAI, PCCP, PCTFS, PCKSP,
                                      PCCOMPOSITE, PCFIELDSPLIT, PCLSC, PCBDDC, PCNN, ""));
  if (levels) PetscCall(PCMGGetLevels(from, &n));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &is, PCGAMG, PCML, ""));
  if (levels && (n > 1 || !is)) PetscCall(DiniCanCopyLevels(from, PH, yes));
  else if (levels) *yes = PETSC_TRUE;
#if defined(PETSC_HAVE_HYPRE)
  PetscCall(PetscObjectTypeCompare((PetscObject)from, PCHYPRE, &is));
  if (is) {
    const char *name;

    PetscCall(PCHYPREGetType(from, &name)); /* the others need vectors and matrices of the application's */
    if (name) PetscCall(PetscStrInList(name, "boomeramg,euclid,pilut,parasails", ',', yes));
  }
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* In place of one that can not be: PETSc's own choice, an incomplete factorisation in most cases, where that has a diagonal */
static PetscErrorCode DiniDefaultPC(PC from, PC to)
{
  PetscBool can, mine;
  Mat       PH;

  PetscFunctionBegin;
  PetscCall(PetscInfo(from, "Of type %s: not to be made again on the transpose, so its place takes PETSc's default\n",
                      ((PetscObject)from)->type_name));
  PetscCall(PCGetOperators(to, NULL, &PH));
  PetscCall(DiniHasDiagonal(PH, &mine));
  PetscCall(MPIU_Allreduce(&mine, &can, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)to)));
  if (!can) PetscCall(PCSetType(to, PCNONE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The type of a preconditioner, with what its options alone would not tell. Those inside it may have to wait for its set-up. */
PetscErrorCode DiniCopyPC_Private(PC from, PC to)
{
  PetscBool is, can, levels;
  PetscInt  n = 0;
  Mat       PH;
  PCType    type;

  PetscFunctionBegin;
  PetscCall(PCGetOperators(to, NULL, &PH));
  PetscCall(PCGetType(from, &type));
  PetscCall(DiniCanCopy(from, PH, &can));
  if (!can) {
    PetscCall(DiniDefaultPC(from, to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &levels, PCMG, PCGAMG, PCML, PCHMG, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)from, &is, PCGAMG, PCML, ""));
  if (levels) PetscCall(PCMGGetLevels(from, &n));
  if (levels && (n > 1 || !is)) {
    PetscCall(DiniCopyLevels(from, to));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(PCSetType(to, type));
  PetscCall(DiniAvoidTrick_Private(to));
  PetscCall(PCGetUseAmat(from, &is));
  PetscCall(PCSetUseAmat(to, is));
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

static PetscErrorCode DiniCopyKSP(KSP from, KSP to)
{
  KSPType   type;
  PC        frompc, topc;
  PetscReal rtol, atol, dtol;
  PetscInt  maxits;
  PetscBool same;

  PetscFunctionBegin;
  PetscCall(KSPGetType(from, &type));
  if (type) PetscCall(KSPSetType(to, type));
  PetscCall(KSPGetTolerances(from, &rtol, &atol, &dtol, &maxits));
  PetscCall(KSPSetTolerances(to, rtol, atol, dtol, maxits));
  PetscCall(KSPGetPC(from, &frompc));
  PetscCall(KSPGetPC(to, &topc));
  if (!((PetscObject)frompc)->type_name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)topc, ((PetscObject)frompc)->type_name, &same));
  if (!same) PetscCall(DiniCopyPC_Private(frompc, topc)); /* else the options have made it, its splits as well */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After the set-up of both, the solvers of the splits: an application may have chosen them by calls, and for good reason */
PetscErrorCode DiniCopyInside_Private(PC from, PC to)
{
  PetscBool both[2];
  PetscInt  n[2];
  KSP      *sub[2];

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)from, PCFIELDSPLIT, &both[0]));
  PetscCall(PetscObjectTypeCompare((PetscObject)to, PCFIELDSPLIT, &both[1]));
  if (!both[0] || !both[1]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCFieldSplitGetSubKSP(from, &n[0], &sub[0]));
  PetscCall(PCFieldSplitGetSubKSP(to, &n[1], &sub[1]));
  for (PetscInt i = 0; i < PetscMin(n[0], n[1]); i++) PetscCall(DiniCopyKSP(sub[0][i], sub[1][i]));
  PetscCall(PetscFree(sub[0]));
  PetscCall(PetscFree(sub[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}
