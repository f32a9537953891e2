/* Is the transposed apply of the forward preconditioner that of its apply? The table of known liars, and a probe. */
#include "../private/diniengineimpl.h"
#include <petscpc.h>

/* ---- What PETSc's releases and packages are known to do in a transposed apply ---- */

static PetscErrorCode DiniLiarNever(PC pc, PetscBool *lies)
{
  PetscFunctionBegin;
  (void)pc;
  *lies = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarSolver(PC pc, PetscBool *lies)
{
  MatSolverType solver;
  PetscBool     dist = PETSC_FALSE, strumpack = PETSC_FALSE, known, symmetric;
  Mat           P;

  PetscFunctionBegin;
  PetscCall(PCFactorGetMatSolverType(pc, &solver));
  if (solver) PetscCall(PetscStrcmp(solver, MATSOLVERSUPERLU_DIST, &dist));
  if (solver) PetscCall(PetscStrcmp(solver, MATSOLVERSTRUMPACK, &strumpack));
  PetscCall(PCGetOperators(pc, NULL, &P));
  PetscCall(MatIsSymmetricKnown(P, &known, &symmetric));
  *lies = (PetscBool)((dist || strumpack) && !(known && symmetric));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* SuperLU_DIST overruns its buffers on several ranks, when a block of right-hand sides is narrower than the one before. */
PetscErrorCode DiniFactorTakesBlocks_Private(PC pc, PetscBool *takes)
{
  MatSolverType solver;
  PetscMPIInt   size;
  PetscBool     dist = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(PCFactorGetMatSolverType(pc, &solver));
  if (solver) PetscCall(PetscStrcmp(solver, MATSOLVERSUPERLU_DIST, &dist));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)pc), &size));
  *takes = (PetscBool)(!dist || size == 1);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarBoomerAMG(PC pc, PetscBool *lies)
{
  const char *type = NULL;

  PetscFunctionBegin;
  *lies = PETSC_FALSE;
#if defined(PETSC_HAVE_HYPRE)
  PetscCall(PCHYPREGetType(pc, &type));
  if (type) PetscCall(PetscStrcmp(type, "boomeramg", lies));
#else
  (void)pc;
  (void)type;
#endif
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarSchur(PC pc, PetscBool *lies)
{
  PCCompositeType type;

  PetscFunctionBegin;
  PetscCall(PCFieldSplitGetType(pc, &type));
  *lies = (PetscBool)(type == PC_COMPOSITE_SCHUR);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarCycle(PC pc, PetscBool *lies)
{
  PCMGType type;

  PetscFunctionBegin;
  PetscCall(PCMGGetType(pc, &type));
  *lies = (PetscBool)(type == PC_MG_FULL || type == PC_MG_KASKADE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarASM(PC pc, PetscBool *lies)
{
  PCCompositeType type;

  PetscFunctionBegin;
  PetscCall(PCASMGetLocalType(pc, &type));
  *lies = (PetscBool)(type != PC_COMPOSITE_ADDITIVE);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLiarRedistribute(PC pc, PetscBool *lies)
{
  PetscBool known, symmetric;
  Mat       P;

  PetscFunctionBegin;
  PetscCall(PCGetOperators(pc, NULL, &P));
  PetscCall(MatIsStructurallySymmetricKnown(P, &known, &symmetric));
  *lies = (PetscBool) !(known && symmetric);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* from and before: the releases concerned, as major * 10000 + minor * 100 + subminor; before 0: up to the newest known */
static const struct {
  PCType type;
  int    from, before;
  PetscErrorCode (*lies)(PC, PetscBool *);
  const char *why;
} DiniLiars[] = {
    {PCSOR, 0, 0, DiniLiarNever, "transposes symmetric sweeps only, and of matrices said to be symmetric"},
    {PCEISENSTAT, 0, 0, DiniLiarNever, "transposes symmetric sweeps only, and of matrices said to be symmetric"},
    {PCLU, 0, 0, DiniLiarSolver, "solves with the untransposed factors in this package (superlu_dist, strumpack)"},
    {PCHYPRE, 31600, 32305, DiniLiarBoomerAMG,
     "returns zero from BoomerAMG's transposed apply in PETSc 3.16.0 to 3.23.4"},
    {PCFIELDSPLIT, 0, 32000, DiniLiarSchur,
     "runs the multiplicative variant in the transposed Schur split before PETSc 3.20"},
    {PCASM, 0, 0, DiniLiarASM, "transposes additive local solves only"},
    {PCREDISTRIBUTE, 0, 0, DiniLiarRedistribute, "transposes matrices only that are said to have a symmetric pattern"},
    {PCMG, 0, 0, DiniLiarCycle, "has no right transpose of full and kaskade cycles"},
    {PCGAMG, 0, 0, DiniLiarCycle, "has no right transpose of full and kaskade cycles"},
    {PCML, 0, 0, DiniLiarCycle, "has no right transpose of full and kaskade cycles"},
    {PCHMG, 0, 0, DiniLiarCycle, "has no right transpose of full and kaskade cycles"},
    {NULL, 0, 0, NULL, NULL}};

/* why: what is wrong with the transposed apply of this very PC in the PETSc that runs, NULL when nothing is known */
PetscErrorCode DiniKnownLiar_Private(PC pc, const char **why)
{
  PetscInt  major, minor, subminor, release;
  PetscBool is, lies;

  PetscFunctionBegin;
  *why = NULL;
  PetscCall(PetscGetVersionNumber(&major, &minor, &subminor, NULL));
  release = 10000 * major + 100 * minor + subminor;
  for (int i = 0; DiniLiars[i].type && !*why; i++) {
    if (release < DiniLiars[i].from || (DiniLiars[i].before && release >= DiniLiars[i].before)) continue;
    PetscCall(PetscObjectTypeCompare((PetscObject)pc, DiniLiars[i].type, &is));
    if (!is) continue;
    PetscCall((*DiniLiars[i].lies)(pc, &lies));
    if (lies) *why = DiniLiars[i].why;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- The probe ---- */

/* With w = M v / |M v|, <w, M v> is |M v|: nothing cancels in it, and what M^H has to reproduce is not small by chance. */
static PetscErrorCode DiniProbe(DiniEngine e, Vec v, Vec w, Vec copy, Vec work)
{
  PetscScalar adjoint;
  PetscReal   expected, difference;

  PetscFunctionBegin;
  PetscCall(VecSet(work, 0.0));
  PetscCall(DiniRandom_Private(4, v));
  PetscCall(VecCopy(v, copy)); /* a copy each time: some PCs overwrite what they are given, or leave it locked */
  PetscCall(DiniEnginePCApply_Private(e->pc, PETSC_FALSE, copy, w));
  PetscCall(DiniNorm_Private(w, &expected));
  PetscCall(VecCopy(w, copy));
  PetscCall(VecScale(copy, 1.0 / expected)); /* no square that over- or underflows */
  PetscCall(DiniEngineApplyAdjoint_Private(e, e->pc, copy, work));
  PetscCall(VecDot(v, work, &adjoint));
  difference = PetscAbsScalar(adjoint - expected) / expected;
  if (difference <= 1e-6) e->transposed = DINI_TRANSPOSED_EXACT;
  else if (difference <= 0.3) e->transposed = DINI_TRANSPOSED_INEXACT;
  else e->transposed = DINI_TRANSPOSED_NONE; /* NaN too */
  PetscCall(PetscInfo(e, "Transposed apply of the forward PC: <w, M v> and <M^H w, v> differ by %g: %s\n",
                      (double)difference,
                      e->transposed == DINI_TRANSPOSED_EXACT     ? "exact"
                      : e->transposed == DINI_TRANSPOSED_INEXACT ? "inexact"
                                                                 : "not used"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Once for a PC: that PCApplyTransposeExists() says yes is no evidence. */
PetscErrorCode DiniEngineProbe_Private(DiniEngine e)
{
  Vec            work[4];
  DiniFrozen     frozen;
  PetscErrorCode failed;
  PetscBool      exists;

  PetscFunctionBegin;
  e->transposed = DINI_TRANSPOSED_NONE;
  PetscCall(DiniEngineTransposable_Private(e, &exists));
  if (!exists) {
    PetscCall(PetscInfo(e, "The forward preconditioner, or one inside it, has no transposed apply to be trusted\n"));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  for (int i = 0; i < 4; i++) PetscCall(VecDuplicate(e->b, &work[i]));
  PetscCall(DiniFreeze_Private(e->pc, &frozen));
  failed = DiniProbe(e, work[0], work[1], work[2], work[3]);
  PetscCall(DiniThaw_Private(&frozen));
  for (int i = 0; i < 4; i++) PetscCall(VecDestroy(&work[i]));
  PetscCall(failed);
  PetscFunctionReturn(PETSC_SUCCESS);
}
