/*
  Preconditioners inside preconditioners. Six questions go down the whole tree:

  - Has each a transposed apply? PCApplyTransposeExists() answers for the outermost only, and finding out by an error is no
    way: PETSc leaves a preconditioner that failed half-way unfit for the next forward solve.
  - Is one of them built from blocks of the operator?
  - Keep it as it is. The reuse flag of the outermost does not always reach the inner ones, which look at matrices that have
    just been assembled anew and would be set up again.
  - Has a factorisation failed? Packages do not recover from NaN by themselves.
  - Has an error left multigrid half-way, with a right-hand side that it has borrowed and would destroy?
  - Is one of the factorisations SuperLU_DIST's, of which a communicator bears one alone?
*/
#include "../private/diniengineimpl.h"
#include "../private/petscaccess.h"

typedef PetscErrorCode DiniVisit(PC, void *ctx);

static PetscErrorCode DiniWalk(PC, DiniVisit *, void *);

static PetscErrorCode DiniWalkKSP(KSP ksp, DiniVisit *visit, void *ctx)
{
  PC pc;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(DiniWalk(pc, visit, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniWalkBlocks(PC         pc, PetscErrorCode (*get)(PC, PetscInt *, PetscInt *, KSP *[]),
                                     DiniVisit *visit, void *ctx)
{
  PetscInt n;
  KSP     *sub;

  PetscFunctionBegin;
  PetscCall((*get)(pc, &n, NULL, &sub)); /* the number of the first of all ranks would be a scan over them */
  for (PetscInt i = 0; i < n; i++) PetscCall(DiniWalkKSP(sub[i], visit, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniWalkLevels(PC pc, DiniVisit *visit, void *ctx)
{
  const PetscInt n = DiniPCLevels_Private(pc);

  PetscFunctionBegin;
  for (PetscInt l = 0; l < n; l++) {
    const DiniLevel level = DiniPCLevel_Private(pc, l);

    PetscCall(DiniWalkKSP(level.down, visit, ctx));
    if (level.up && level.up != level.down) PetscCall(DiniWalkKSP(level.up, visit, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniWalkComposite(PC pc, DiniVisit *visit, void *ctx)
{
  PetscInt n;
  PC       sub;

  PetscFunctionBegin;
  PetscCall(PCCompositeGetNumberPC(pc, &n));
  for (PetscInt i = 0; i < n; i++) {
    PetscCall(PCCompositeGetPC(pc, i, &sub));
    PetscCall(DiniWalk(sub, visit, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniWalkSplits(PC pc, DiniVisit *visit, void *ctx)
{
  PetscInt n;
  KSP     *sub;

  PetscFunctionBegin;
  PetscCall(PCFieldSplitGetSubKSP(pc, &n, &sub));
  for (PetscInt i = 0; i < n; i++) PetscCall(DiniWalkKSP(sub[i], visit, ctx));
  PetscCall(PetscFree(sub));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Visits pc and everything inside it. The PC must have been set up. */
static PetscErrorCode DiniWalk(PC pc, DiniVisit *visit, void *ctx)
{
  PetscBool is;
  KSP       inner;

  PetscFunctionBegin;
  PetscCall((*visit)(pc, ctx));
  if (!DiniPCIsSetUp_Private(pc)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCBJACOBI, &is));
  if (is) PetscCall(DiniWalkBlocks(pc, PCBJacobiGetSubKSP, visit, ctx));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCASM, &is));
  if (is) PetscCall(DiniWalkBlocks(pc, PCASMGetSubKSP, visit, ctx));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCGASM, &is));
  if (is) PetscCall(DiniWalkBlocks(pc, PCGASMGetSubKSP, visit, ctx));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCMG, PCGAMG, PCML, PCHMG, ""));
  if (is) PetscCall(DiniWalkLevels(pc, visit, ctx));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCCOMPOSITE, &is));
  if (is) PetscCall(DiniWalkComposite(pc, visit, ctx));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCFIELDSPLIT, &is));
  if (is) PetscCall(DiniWalkSplits(pc, visit, ctx));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCKSP, &is));
  if (is) {
    PetscCall(PCKSPGetKSP(pc, &inner));
    PetscCall(DiniWalkKSP(inner, visit, ctx));
  }
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCREDUNDANT, &is));
  if (is) {
    PetscCall(PCRedundantGetKSP(pc, &inner));
    PetscCall(DiniWalkKSP(inner, visit, ctx));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The first preconditioner of the tree that cannot be transposed, and why */
typedef struct {
  PetscBool   yes;
  const char *why;
} DiniTransposable;

static PetscErrorCode DiniHasTranspose(Mat A, PetscBool *yes)
{
  PetscBool has = PETSC_TRUE;

  PetscFunctionBegin;
  if (A) PetscCall(MatHasOperation(A, MATOP_MULT_TRANSPOSE, &has));
  if (!has) *yes = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The transposed cycle multiplies by the transposes of the level operators and of both transfers. */
static PetscErrorCode DiniLevelsTranspose(PC pc, PetscBool *yes)
{
  const PetscInt n = DiniPCIsSetUp_Private(pc) ? DiniPCLevels_Private(pc) : 0;

  PetscFunctionBegin;
  *yes = PETSC_TRUE;
  for (PetscInt l = 0; l < n; l++) {
    const DiniLevel level = DiniPCLevel_Private(pc, l);
    Mat             A;

    PetscCall(KSPGetOperators(level.down, &A, NULL));
    PetscCall(DiniHasTranspose(A, yes));
    PetscCall(DiniHasTranspose(level.A, yes));
    PetscCall(DiniHasTranspose(level.interpolate, yes));
    PetscCall(DiniHasTranspose(level.restrct, yes));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisitTransposable(PC pc, void *ctx)
{
  DiniTransposable *found = (DiniTransposable *)ctx;
  PetscBool         exists, levels;
  const char       *why = NULL;

  PetscFunctionBegin;
  if (!found->yes || !((PetscObject)pc)->type_name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCApplyTransposeExists(pc, &exists));
  if (!exists) why = "has no transposed apply";
  else PetscCall(DiniKnownLiar_Private(pc, &why));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &levels, PCMG, PCGAMG, PCML, PCHMG, ""));
  if (!why && levels) {
    PetscCall(DiniLevelsTranspose(pc, &exists));
    if (!exists) why = "has matrices without a transposed product on its levels";
  }
  if (!why) PetscFunctionReturn(PETSC_SUCCESS);
  found->yes = PETSC_FALSE;
  found->why = why;
  PetscCall(PetscInfo(pc, "Preconditioner %s %s\n", ((PetscObject)pc)->type_name, why));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEngineTransposable_Private(DiniEngine e, PetscBool *yes)
{
  DiniTransposable found = {PETSC_TRUE, NULL};

  PetscFunctionBegin;
  PetscCall(DiniWalk(e->pc, DiniVisitTransposable, &found));
  PetscCall(MPIU_Allreduce(&found.yes, yes, 1, DINI_MPI_BOOL, MPI_LAND, PetscObjectComm((PetscObject)e)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisitAmat(PC pc, void *ctx)
{
  PetscBool uses, splits;

  PetscFunctionBegin;
  if (!((PetscObject)pc)->type_name) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGetUseAmat(pc, &uses));
  if (uses) *(PetscBool *)ctx = PETSC_TRUE;
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCFIELDSPLIT, &splits));
  if (!splits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCFieldSplitGetDiagUseAmat(pc, &uses));
  if (uses) *(PetscBool *)ctx = PETSC_TRUE;
  PetscCall(PCFieldSplitGetOffDiagUseAmat(pc, &uses));
  if (uses) *(PetscBool *)ctx = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Is pc, or anything inside it, built from blocks of the operator, and not of the matrix that preconditions alone? */
PetscErrorCode DiniUsesAmat_Private(PC pc, PetscBool *uses)
{
  PetscFunctionBegin;
  *uses = PETSC_FALSE;
  PetscCall(DiniWalk(pc, DiniVisitAmat, uses));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisitFreeze(PC pc, void *ctx)
{
  DiniFrozen *frozen = (DiniFrozen *)ctx;

  PetscFunctionBegin;
  if (frozen->n == frozen->max) {
    PetscInt   max = PetscMax(16, 2 * frozen->max);
    PC        *pcs;
    PetscBool *reuse;

    PetscCall(PetscMalloc2(max, &pcs, max, &reuse));
    for (PetscInt i = 0; i < frozen->n; i++) {
      pcs[i]   = frozen->pcs[i];
      reuse[i] = frozen->reuse[i];
    }
    PetscCall(PetscFree2(frozen->pcs, frozen->reuse));
    frozen->pcs   = pcs;
    frozen->reuse = reuse;
    frozen->max   = max;
  }
  frozen->pcs[frozen->n] = pc;
  PetscCall(PCGetReusePreconditioner(pc, &frozen->reuse[frozen->n]));
  PetscCall(PCSetReusePreconditioner(pc, PETSC_TRUE));
  frozen->n++;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Raises the reuse flag of pc and of everything inside it; DiniThaw_Private() puts the flags back as they were. */
PetscErrorCode DiniFreeze_Private(PC pc, DiniFrozen *frozen)
{
  PetscFunctionBegin;
  PetscCall(PetscMemzero(frozen, sizeof(*frozen)));
  PetscCall(DiniWalk(pc, DiniVisitFreeze, frozen));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniThaw_Private(DiniFrozen *frozen)
{
  PetscFunctionBegin;
  for (PetscInt i = 0; i < frozen->n; i++) PetscCall(PCSetReusePreconditioner(frozen->pcs[i], frozen->reuse[i]));
  PetscCall(PetscFree2(frozen->pcs, frozen->reuse));
  frozen->n = frozen->max = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisitSetUp(PC pc, void *ctx)
{
  PetscBool set;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(PCGetOperatorsSet(pc, NULL, &set));
  if (!set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCSetUp(pc));
  PetscCall(PCSetUpOnBlocks(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What is inside pc, which has just been set up: PETSc leaves some of it for the first apply, when the tree is frozen already */
PetscErrorCode DiniSetUpInside_Private(PC pc)
{
  PetscFunctionBegin;
  PetscCall(DiniWalk(pc, DiniVisitSetUp, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A factorisation that has failed begins anew, from its own matrices; not only its numbers */
static PetscErrorCode DiniVisitFailed(PC pc, void *ctx)
{
  PetscBool factors, set;
  int       mine = DiniPCHasFailed_Private(pc), any;
  Mat       A, P;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factors, PCLU, PCCHOLESKY, PCQR, PCILU, PCICC, ""));
  if (mine)
    PetscCall(PCSetFailedReason(pc, PC_NOERROR)); /* PCReset() leaves it, and KSPSolve() believes it once more */
  if (!factors || !DiniPCIsSetUp_Private(pc)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MPIU_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)pc)));
  PetscCall(PCGetOperatorsSet(pc, NULL, &set));
  if (!any || !set) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PCGetOperators(pc, &A, &P));
  PetscCall(PetscObjectReference((PetscObject)A));
  PetscCall(PetscObjectReference((PetscObject)P));
  PetscCall(PCReset(pc));
  PetscCall(PCSetOperators(pc, A, P));
  PetscCall(MatDestroy(&A));
  PetscCall(MatDestroy(&P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniVisitHalfway(PC pc, void *ctx)
{
  PetscBool is;

  PetscFunctionBegin;
  (void)ctx;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &is, PCMG, PCGAMG, PCML, PCHMG, ""));
  if (!is || !DiniPCIsSetUp_Private(pc)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPCGiveBack_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error out of an apply of pc, as of an application's product in a smoother: nothing is destroyed twice */
PetscErrorCode DiniGiveBack_Private(PC pc)
{
  PetscFunctionBegin;
  PetscCall(DiniWalk(pc, DiniVisitHalfway, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* After an error out of the forward solve */
PetscErrorCode DiniEngineGiveBack_Private(DiniEngine e)
{
  KSP ksp = NULL;
  PC  pc;

  PetscFunctionBegin;
  PetscCall(DiniEngineGetForward_Private(e, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(DiniGiveBack_Private(pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* No later set-up of the forward solver's preconditioner inherits what a failed factorisation has left, in whosever solve */
PetscErrorCode DiniEngineMend_Private(DiniEngine e)
{
  KSP ksp = NULL;
  PC  pc;

  PetscFunctionBegin;
  e->mend = PETSC_FALSE;
  PetscCall(DiniEngineGetForward_Private(e, &ksp));
  if (!ksp) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(DiniWalk(pc, DiniVisitFailed, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before a forward solve: what a set-up for a tangent or an adjoint has left since */
PetscErrorCode DiniEngineBeforeForward_Private(DiniEngine e)
{
  PetscFunctionBegin;
  if (e->mend) PetscCall(DiniEngineMend_Private(e));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Factorisations by SuperLU_DIST; what is inside of these two is of no interest to the others */
static PetscErrorCode DiniVisitGrids(PC pc, void *ctx)
{
  MatSolverType solver = NULL;
  PetscBool     factored, is = PETSC_FALSE;
  KSP           inner = NULL;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)pc, &factored, PCLU, PCCHOLESKY, ""));
  if (factored) PetscCall(PCFactorGetMatSolverType(pc, &solver));
  if (solver) PetscCall(PetscStrcmp(solver, MATSOLVERSUPERLU_DIST, &is));
  if (is) ++*(int *)ctx;
  if (!DiniPCIsSetUp_Private(pc)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCTELESCOPE, &is));
  if (is) PetscCall(PCTelescopeGetKSP(pc, &inner)); /* none on the ranks that it leaves out */
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCDEFLATION, &is));
  if (is) PetscCall(PCDeflationGetCoarseKSP(pc, &inner));
  if (inner) PetscCall(DiniWalkKSP(inner, DiniVisitGrids, ctx));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Does pc, or what is inside it, factorise by SuperLU_DIST on any rank? Collective */
PetscErrorCode DiniUsesGrid_Private(PC pc, PetscBool *uses)
{
  int mine = 0, any;

  PetscFunctionBegin;
  PetscCall(DiniWalk(pc, DiniVisitGrids, &mine));
  PetscCall(MPIU_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, PetscObjectComm((PetscObject)pc)));
  *uses = (PetscBool)(any > 0);
  PetscFunctionReturn(PETSC_SUCCESS);
}
