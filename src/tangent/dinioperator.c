/* The operators of the two systems, and the KSPs that solve them. */
#include "../private/diniengineimpl.h"

PetscErrorCode DiniEngineMult_Private(Dini dini, DiniDirection direction, Vec x, Vec y)
{
  PetscFunctionBegin;
  if (direction == DINI_TANGENT) PetscCall(MatMult(dini->engine->J, x, y));
  else PetscCall(MatMultHermitianTranspose(dini->engine->J, x, y));
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

/* A tangent solve needs products with J, an adjoint solve products with J^H: matrix-free types lack them. */
static PetscErrorCode DiniNeedProduct(Dini dini, DiniDirection direction)
{
  DiniEngine e = dini->engine;
  PetscBool  has;
  MatType    type;

  PetscFunctionBegin;
  PetscCheck(e->J, PetscObjectComm((PetscObject)dini), PETSC_ERR_ORDER,
             "There is no Jacobian for %s solves; call DiniSetJacobian() or %s",
             DiniOperations[DINI_OPERATION_TANGENT + direction],
             direction == DINI_TANGENT ? "DiniSetTangentSolve()" : "DiniSetAdjointSolve()");
  PetscCall(MatHasOperation(e->J, direction == DINI_TANGENT ? MATOP_MULT : MATOP_MULT_TRANSPOSE, &has));
  PetscCall(MatGetType(e->J, &type));
  PetscCheck(has, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
             "The Jacobian, a matrix of type %s, has no %s, so there are no %s solves with it. Ways out: an assembled "
             "Jacobian (-snes_fd_color, or a callback), DiniSetJacobian() with a shell that has both products, or %s",
             type, direction == DINI_TANGENT ? "product" : "transposed product",
             DiniOperations[DINI_OPERATION_TANGENT + direction],
             direction == DINI_TANGENT ? "DiniSetTangentSolve()" : "DiniSetAdjointSolve()");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* CG only where the forward solver is CG and the matrix itself says that it is Hermitian; FGMRES takes any PC and any J. */
static PetscErrorCode DiniChooseKSPType(Dini dini, KSPType *type)
{
  KSP       forward = NULL;
  PetscBool cg      = PETSC_FALSE, hermitian;

  PetscFunctionBegin;
  *type = KSPFGMRES;
  if (dini->ops->getksp) PetscUseTypeMethod(dini, getksp, &forward);
  if (forward) PetscCall(PetscObjectTypeCompare((PetscObject)forward, KSPCG, &cg));
  PetscCall(DiniHermitianKnown(dini->engine->J, &hermitian));
  if (cg && hermitian) *type = KSPCG;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCreateKSP(Dini dini, DiniDirection direction)
{
  DiniEngine  e = dini->engine;
  KSP         ksp;
  KSPType     type;
  PC          pc;
  const char *prefix;

  PetscFunctionBegin;
  PetscCall(KSPCreate(PetscObjectComm((PetscObject)dini), &ksp));
  e->ksp[direction] = ksp;
  PetscCall(PetscObjectIncrementTabLevel((PetscObject)ksp, (PetscObject)dini, 1));
  PetscCall(PetscObjectGetOptionsPrefix((PetscObject)dini, &prefix));
  PetscCall(KSPSetOptionsPrefix(ksp, prefix));
  PetscCall(KSPAppendOptionsPrefix(ksp, direction == DINI_TANGENT ? "dini_tangent_" : "dini_adjoint_"));
  PetscCall(DiniChooseKSPType(dini, &type));
  PetscCall(KSPSetType(ksp, type));
  PetscCall(KSPSetNormType(ksp, KSP_NORM_UNPRECONDITIONED));
  PetscCall(
      KSPGMRESSetRestart(ksp, 100)); /* 10 digits need longer memories than a forward solve's 5; allocated as used */
  PetscCall(KSPSetTolerances(ksp, 0.5 * e->rtol[direction], PETSC_DEFAULT, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(DiniEngineSetShell_Private(dini, direction, pc));
  if (dini->fromoptions) {
    PetscBool norm;

    PetscCall(PetscOptionsHasName(((PetscObject)ksp)->options, ((PetscObject)ksp)->prefix, "-ksp_type", &norm));
    if (norm) PetscCall(KSPSetNormType(ksp, KSP_NORM_DEFAULT)); /* not every type knows the norm that ours does */
    PetscCall(KSPSetFromOptions(ksp));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has the user given this KSP a preconditioner of its own? */
static PetscErrorCode DiniHasOwnPC(Dini dini, DiniDirection direction, PetscBool *own)
{
  PC        pc;
  PetscBool shell;

  PetscFunctionBegin;
  PetscCall(KSPGetPC(dini->engine->ksp[direction], &pc));
  PetscCall(PetscObjectTypeCompare((PetscObject)pc, PCSHELL, &shell));
  *own = (PetscBool)!shell;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniChooseMethod(Dini dini)
{
  DiniEngine e = dini->engine;
  PetscBool  own, hermitian;

  PetscFunctionBegin;
  PetscCall(DiniHasOwnPC(dini, DINI_ADJOINT, &own));
  PetscCall(DiniHermitianKnown(e->J, &hermitian));
  if (own || e->transpose == DINI_TRANSPOSE_EXPLICIT) e->method = DINI_METHOD_EXPLICIT;
  else if (e->transpose == DINI_TRANSPOSE_SYMMETRIC || (e->transpose == DINI_TRANSPOSE_AUTO && hermitian))
    e->method = DINI_METHOD_SYMMETRIC;
  else {
    PetscCall(DiniEngineProbe_Private(dini));
    if (e->transpose == DINI_TRANSPOSE_NATIVE) {
      PetscCheck(
          e->transposes, PetscObjectComm((PetscObject)dini), PETSC_ERR_SUP,
          "The forward preconditioner has no transposed apply that belongs to its apply, so -dini_transpose native "
          "can not be; use -dini_transpose auto or explicit, or -dini_adjoint_pc_type");
      e->method = DINI_METHOD_NATIVE;
    } else e->method = e->transposes ? DINI_METHOD_NATIVE : DINI_METHOD_EXPLICIT;
  }
  PetscCall(PetscInfo(dini, "Adjoint method: %s\n",
                      e->method == DINI_METHOD_SYMMETRIC ? "symmetric"
                      : e->method == DINI_METHOD_NATIVE  ? "native"
                                                         : "explicit"));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The adjoint KSP gets the assembled P^H and a preconditioner on it: by option, else of the forward type. */
PetscErrorCode DiniEngineSetExplicit_Private(Dini dini)
{
  DiniEngine    e   = dini->engine;
  KSP           ksp = e->ksp[DINI_ADJOINT];
  PC            pc;
  PCType        type;
  MatSolverType solver = NULL;
  PetscBool     own, broken = PETSC_FALSE;

  PetscFunctionBegin;
  PetscCall(MatHermitianTranspose(e->P, e->PH ? MAT_REUSE_MATRIX : MAT_INITIAL_MATRIX, &e->PH));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(DiniHasOwnPC(dini, DINI_ADJOINT, &own));
  if (!own) {
    PetscCall(PCGetType(e->pc, &type));
    if (!type) PetscCall(DiniEngineSetUpPC_Private(dini, PETSC_FALSE)); /* PETSc chooses the type in the set-up */
    PetscCall(PCGetType(e->pc, &type));
    PetscCall(PCSetType(pc, type));
    PetscCall(PCFactorGetMatSolverType(e->pc, &solver));
    if (solver)
      PetscCall(
          PetscStrcmp(solver, MATSOLVERSUPERLU_DIST, &broken)); /* PETSc frees the grid of two such factors twice */
    if (solver && !broken) PetscCall(PCFactorSetMatSolverType(pc, solver));
#if defined(PETSC_HAVE_MUMPS)
    if (broken) PetscCall(PCFactorSetMatSolverType(pc, MATSOLVERMUMPS));
#endif
    if (dini->fromoptions) PetscCall(PCSetFromOptions(pc));
  }
  PetscCall(KSPSetOperators(ksp, e->JH, e->PH));
  e->method              = DINI_METHOD_EXPLICIT;
  e->ready[DINI_ADJOINT] = PETSC_TRUE;
  dini->stats.pc_setups++; /* the solve that follows sets it up, once for these values */
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode DiniEnginePrepare_Private(Dini dini, DiniDirection direction)
{
  DiniEngine e = dini->engine;
  PetscBool  own;

  PetscFunctionBegin;
  if (e->ready[direction]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniNeedProduct(dini, direction));
  PetscCall(DiniEngineGetPC_Private(dini));
  if (!e->ksp[direction]) PetscCall(DiniCreateKSP(dini, direction));
  PetscCall(DiniHasOwnPC(dini, direction, &own));
  if (!own && !(direction == DINI_ADJOINT && e->transpose == DINI_TRANSPOSE_EXPLICIT))
    PetscCall(DiniEngineSetUpPC_Private(dini, PETSC_FALSE));
  if (direction == DINI_TANGENT) {
    PetscCall(KSPSetOperators(e->ksp[DINI_TANGENT], e->J, e->P));
    if (own) dini->stats.pc_setups++;
  } else {
    if (!e->JH) PetscCall(MatCreateHermitianTranspose(e->J, &e->JH));
    if (e->method == DINI_METHOD_UNDECIDED) PetscCall(DiniChooseMethod(dini));
    if (e->method == DINI_METHOD_EXPLICIT) PetscCall(DiniEngineSetExplicit_Private(dini));
    else if (e->method == DINI_METHOD_SYMMETRIC) PetscCall(KSPSetOperators(e->ksp[DINI_ADJOINT], e->J, e->P));
    else PetscCall(KSPSetOperators(e->ksp[DINI_ADJOINT], e->JH, e->JH));
  }
  e->ready[direction] = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}
