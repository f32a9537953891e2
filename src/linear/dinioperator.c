/* The operators of the two systems, and the KSPs that solve them. */
#include "../private/diniengineimpl.h"
#include "../private/petscaccess.h"

#define DINI_RESTART 100

PetscErrorCode DiniEngineMult_Private(DiniEngine e, DiniDirection direction, Vec x, Vec y)
{
  PetscFunctionBegin;
  if (direction == DINI_TANGENT) PetscCall(MatMult(e->J, x, y));
  else if (e->JH) PetscCall(MatMult(e->JH, x, y));
  else PetscCall(MatMultHermitianTranspose(e->J, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHermitianKnown(Mat J, PetscBool *hermitian)
{
  PetscBool set;

  PetscFunctionBegin;
  if (PetscDefined(USE_COMPLEX)) PetscCall(MatIsHermitianKnown(J, &set, hermitian));
  else PetscCall(MatIsSymmetricKnown(J, &set, hermitian));
  if (!set) *hermitian = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J by differences in place of one that can only be applied; P too where it is the same matrix */
static PetscErrorCode DiniAssembleForAdjoint(DiniEngine e, const char **why)
{
  Mat J = NULL;

  PetscFunctionBegin;
  if (e->up.assembled) PetscCall((*e->up.assembled)(e->up.ctx, e->J, e->P, &J, why));
  if (!J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectReference((PetscObject)J));
  if (e->P == e->J) {
    PetscCall(PetscObjectReference((PetscObject)J));
    PetscCall(MatDestroy(&e->P));
    e->P = J;
  }
  PetscCall(MatDestroy(&e->J));
  e->J                   = J;
  e->ready[DINI_TANGENT] = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A tangent solve needs products with J, an adjoint solve products with J^H: matrix-free types lack them. */
PetscErrorCode DiniEngineNeedProduct_Private(DiniEngine e, DiniDirection direction)
{
  const char *why = "";
  PetscBool   has;
  MatType     type;

  PetscFunctionBegin;
  PetscCheck(e->J, PetscObjectComm((PetscObject)e), PETSC_ERR_ORDER,
             "%s: There is no Jacobian for %s solves; call DiniSetJacobian() or %s", e->terms.label,
             DiniOperations[DINI_OPERATION_TANGENT + direction],
             direction == DINI_TANGENT ? "DiniSetTangentSolve()" : "DiniSetAdjointSolve()");
  if (direction == DINI_TANGENT) PetscCall(MatHasOperation(e->J, MATOP_MULT, &has));
  else PetscCall(DiniHasAdjoint_Private(e->J, &has));
  if (!has && direction == DINI_ADJOINT) PetscCall(DiniHermitianKnown(e->J, &has)); /* one triangle, complex */
  if (!has && direction == DINI_ADJOINT) {
    PetscCall(DiniAssembleForAdjoint(e, &why));
    PetscCall(DiniHasAdjoint_Private(e->J, &has));
  }
  PetscCall(MatGetType(e->J, &type));
  PetscCheck(has, PetscObjectComm((PetscObject)e), PETSC_ERR_SUP,
             "%s: The Jacobian, a matrix of type %s, has no %s, so there are no %s solves with it%s%s. Ways out: an "
             "assembled Jacobian (-snes_fd_color, or a callback), a DM or a matrix with its pattern for "
             "-dini_jacobian_type coloring, -dini_jacobian_max_columns for a difference each, DiniSetJacobian() with a "
             "shell that has both products, or %s",
             e->terms.label, type, direction == DINI_TANGENT ? "product" : "transposed product",
             DiniOperations[DINI_OPERATION_TANGENT + direction], why[0] ? ". Tried: " : "", why,
             direction == DINI_TANGENT ? "DiniSetTangentSolve()" : "DiniSetAdjointSolve()");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  The cheapest method that should do; the rung gmres stands behind it with a flexible GMRES, which takes any J and any PC.
  A factorisation: refinement, which needs no basis. CG where the forward solver is CG and the matrix itself says that it is
  Hermitian. GMRES, with half the basis, where the forward method takes its PC for a fixed one.
*/
static PetscErrorCode DiniChooseKSPType(DiniEngine e, DiniDirection direction, KSPType *type)
{
  KSP       forward = NULL;
  PetscBool cg      = PETSC_FALSE, fixed, factored, hermitian;

  PetscFunctionBegin;
  *type = KSPFGMRES;
  if (!e->terms.forward && e->ownpc) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineGetForward_Private(e, &forward));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)e->pc, &factored, PCLU, PCCHOLESKY, ""));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)forward, &fixed, KSPGMRES, KSPLGMRES, KSPDGMRES, KSPPGMRES, KSPBCGS,
                                      KSPBCGSL, KSPIBCGS, KSPTFQMR, KSPCGS, KSPBICG, KSPCG, KSPMINRES, ""));
  PetscCall(PetscObjectTypeCompare((PetscObject)forward, KSPCG, &cg));
  PetscCall(DiniHermitianKnown(e->J, &hermitian));
  if (factored) *type = KSPRICHARDSON;
  else if (cg && hermitian) *type = KSPCG;
  else if (fixed && (direction == DINI_TANGENT || e->symmetric || e->transposed == DINI_TRANSPOSED_EXACT))
    *type = KSPGMRES;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the KSPs of Dini have in common before options are read */
static PetscErrorCode DiniCreatePlainKSP(DiniEngine e, DiniDirection direction, KSPType type, KSP *ksp)
{
  PC          pc;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)e), ksp));
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)*ksp, (PetscObject)e, 1));
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)e, &prefix));
  PetscCall(KSPSetOptionsPrefix(*ksp, prefix));
  PetscCall(KSPAppendOptionsPrefix(*ksp, direction == DINI_TANGENT ? "dini_tangent_" : "dini_adjoint_"));
  PetscCall(KSPSetType(*ksp, type));
  PetscCall(KSPSetNormType(*ksp, KSP_NORM_UNPRECONDITIONED));
  /* 10 digits need longer memories than a forward solve's 5; allocated as used */
  PetscCall(KSPGMRESSetRestart(*ksp, DINI_RESTART));
  PetscCall(KSPSetTolerances(*ksp, 0.5 * e->rtol[direction], PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(*ksp, &pc));
  PetscCall(DiniEngineSetShell_Private(e, pc));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Methods for the normal equations need no transposed preconditioner, but one of J^H J: none, unless the user has named one.
  Methods that need the transpose of the preconditioner, or bounds of the spectrum, are refused.
*/
static PetscErrorCode DiniFitKSPType(DiniEngine e, DiniDirection direction, KSP ksp)
{
  PetscBool unfit, normal, shell, scale, back;
  KSPType   type;
  PC        pc;

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &unfit, KSPBICG, KSPQCG, KSPCHEBYSHEV,
                                      PetscDefined(USE_COMPLEX) ? KSPCGNE : "", "")); /* CGNE takes J^T J */
  PetscCall(KSPGetType(ksp, &type));
  PetscCall(DiniGetDiagonalScale(ksp, &scale, &back));
  PetscCheck(!scale, PetscObjectComm((PetscObject)e), PETSC_ERR_SUP,
             "%s: the %s KSP must not scale its system (-ksp_diagonal_scale), which would scale the Jacobian itself",
             e->terms.label, DiniOperations[DINI_OPERATION_TANGENT + direction]);
  PetscCheck(!unfit, PetscObjectComm((PetscObject)e), PETSC_ERR_SUP,
             "%s: KSP type %s does not solve the %s systems of a Dini, whose preconditioner has no transpose of its "
             "own; choose gmres, fgmres, bcgs, lsqr or another one",
             e->terms.label, type, DiniOperations[DINI_OPERATION_TANGENT + direction]);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)ksp, &normal, KSPLSQR, KSPCGLS, KSPCGNE, ""));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &shell));
  if (normal && shell) PetscCall(PCSetType(pc, PCNONE));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateKSP(DiniEngine e, DiniDirection direction)
{
  PetscBool chosen = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(DiniCreatePlainKSP(e, direction, KSPFGMRES, &e->ksp[direction]));
  if (e->terms.fromoptions) {
    KSP ksp = e->ksp[direction];

    PetscCall(PetscOptionsHasName(((PetscObject)ksp)->options, ((PetscObject)ksp)->prefix, "-ksp_type", &chosen));
    if (chosen) PetscCall(KSPSetNormType(ksp, KSP_NORM_DEFAULT)); /* not every type knows the norm that ours does */
    DiniKSPSetHelped_Private(ksp, (PetscBool)!chosen);            /* -help comes when the method is known */
    PetscCall(KSPSetFromOptions(ksp));
    DiniKSPSetHelped_Private(ksp, chosen);
  }
  e->choose[direction] = (PetscBool)!chosen;
  PetscCall(DiniFitKSPType(e, direction, e->ksp[direction]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The method for this J and this preconditioner, unless the user has named one */
static PetscErrorCode DiniTuneKSP(DiniEngine e, DiniDirection direction)
{
  KSP       ksp  = e->ksp[direction];
  KSPType   type = KSPFGMRES;
  PetscBool own, is, other, help;

  PetscFunctionBegin;
  if (!e->choose[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  e->choose[direction] = PETSC_FALSE;
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  PetscCall(PetscObjectTypeCompare((PetscObject)ksp, KSPFGMRES, &is));
  if (!own && is) PetscCall(DiniChooseKSPType(e, direction, &type));
  PetscCall(PetscStrcmp(type, KSPFGMRES, &is));
  other = (PetscBool)!is;
  if (other) {
    PetscCall(KSPSetType(ksp, type));
    PetscCall(PetscStrcmp(type, KSPGMRES, &is));
    if (is) PetscCall(KSPSetPCSide(ksp, PC_RIGHT));
    PetscCall(KSPGMRESSetRestart(ksp, DINI_RESTART));
  }
  PetscCall(PetscOptionsHasHelp(((PetscObject)ksp)->options, &help));
  if (e->terms.fromoptions && (other || help)) PetscCall(KSPSetFromOptions(ksp));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetOperators(DiniEngine e, DiniDirection direction, KSP ksp)
{

  PetscFunctionBegin;
  if (direction == DINI_TANGENT || e->symmetric) PetscCall(KSPSetOperators(ksp, e->J, e->P));
  else PetscCall(KSPSetOperators(ksp, e->JH, e->JH));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A flexible GMRES beside the KSP that the forward solver or the user has chosen; the options are for the latter. */
PetscErrorCode DiniEngineGetGMRES_Private(DiniEngine e, DiniDirection direction, KSP *ksp)
{

  PetscFunctionBegin;
  if (!e->gmres[direction]) PetscCall(DiniCreatePlainKSP(e, direction, KSPFGMRES, &e->gmres[direction]));
  PetscCall(DiniSetOperators(e, direction, e->gmres[direction]));
  *ksp = e->gmres[direction];
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the user given the KSP of this direction a preconditioner of its own? */
PetscErrorCode DiniEngineOwnsPC_Private(DiniEngine e, DiniDirection direction, PetscBool *own)
{
  PC        pc;
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(e->ksp[direction], &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &shell));
  *own = (PetscBool)!shell;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* symmetric: nothing needs transposing. transposed: what the transposed apply of the forward PC is worth. */
static PetscErrorCode DiniDecide(DiniEngine e)
{
  PetscBool own, hermitian;

  PetscFunctionBegin;
  if (e->decided) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineOwnsPC_Private(e, DINI_ADJOINT, &own));
  PetscCall(DiniHermitianKnown(e->J, &hermitian));
  e->symmetric =
      (PetscBool)(e->transpose == DINI_TRANSPOSE_SYMMETRIC || (e->transpose == DINI_TRANSPOSE_AUTO && hermitian));
  e->transposed = DINI_TRANSPOSED_UNKNOWN;
  if (e->broken && !e->symmetric) PetscFunctionReturn(PETSC_SUCCESS); /* nothing to probe: at the next point, perhaps */
  if (!e->symmetric && !own && e->transpose != DINI_TRANSPOSE_EXPLICIT) {
    PetscCall(DiniEngineProbe_Private(e));
    PetscCheck(
        e->transpose != DINI_TRANSPOSE_NATIVE || e->transposed != DINI_TRANSPOSED_NONE, PetscObjectComm((PetscObject)e),
        PETSC_ERR_SUP,
        "%s: The forward preconditioner has no transposed apply that belongs to its apply, so -dini_transpose native "
        "can not be; use -dini_transpose auto or explicit, or -dini_adjoint_pc_type",
        e->terms.label);
  }
  e->decided = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Before the first solve of a direction at a point: products, preconditioner, KSP and operators. */
PetscErrorCode DiniEnginePrepare_Private(DiniEngine e, DiniDirection direction)
{
  PetscBool own;

  PetscFunctionBegin;
  if (e->broken) e->pcfailed = PETSC_TRUE; /* by an earlier solve at this point */
  PetscCall(DiniEngineStands_Private(e));
  if (e->ready[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniEngineNeedProduct_Private(e, direction));
  PetscCall(DiniEngineGetPC_Private(e));
  if (!e->ksp[direction]) PetscCall(DiniCreateKSP(e, direction));
  PetscCall(DiniEngineOwnsPC_Private(e, direction, &own));
  if (!own && !(direction == DINI_ADJOINT && e->transpose == DINI_TRANSPOSE_EXPLICIT))
    PetscCall(DiniEngineSetUpPC_Private(e, PETSC_FALSE));
  if (direction == DINI_ADJOINT) {
    if (!e->JH) PetscCall(DiniEngineHermitian_Private(e->J, &e->JH));
    PetscCall(DiniDecide(e));
  }
  PetscCall(DiniTuneKSP(e, direction));
  if (direction == DINI_TANGENT || !own) PetscCall(DiniSetOperators(e, direction, e->ksp[direction]));
  if (direction == DINI_TANGENT && own) e->stats->pc_setups++; /* the solve that follows does it */
  e->ready[direction] = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
