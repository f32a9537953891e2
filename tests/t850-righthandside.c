static char help[] =
    "SNESSolve(snes, b, u): the relation is F(u, m) = b, b may be a block, and which b is meant is known.\n";

#include "support/fixtures.h"

/* u + u^3 + a S u - m = b: the closed problem is that of m + b */
typedef struct {
  Cubic     c, reference; /* reference: of m + b, without a right-hand side */
  Vec       b, ubar, lambda;
  PetscReal rtol; /* of gradients */
} Loaded;

static PetscErrorCode LoadedReference(Loaded *l, Vec b)
{
  PetscFunctionBeginUser;
  PetscCall(VecWAXPY(l->reference.m, 1.0, b, l->c.m));
  PetscCall(SNESSolve(l->reference.snes, NULL, l->reference.u));
  PetscCall(CubicJacobian(&l->reference, l->reference.u, l->reference.J));
  PetscCall(DiniTestDirectSolve(l->reference.J, PETSC_TRUE, l->ubar, l->lambda)); /* both gradients: F_m = F_b = -I */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadedCreate(SNESType type, Loaded *l)
{
  PetscFunctionBeginUser;
  l->rtol = 1e-8;
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.1), &l->c));
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.1), &l->reference));
  if (type) PetscCall(SNESSetType(l->c.snes, type));
  PetscCall(DiniTestVec(l->c.u, 5, &l->b));
  PetscCall(VecScale(l->b, 0.5));
  PetscCall(DiniTestVec(l->c.u, 6, &l->ubar));
  PetscCall(VecDuplicate(l->c.u, &l->lambda));
  PetscCall(LoadedReference(l, l->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode LoadedDestroy(Loaded *l)
{
  PetscFunctionBeginUser;
  PetscCall(CubicDestroy(&l->c));
  PetscCall(CubicDestroy(&l->reference));
  PetscCall(VecDestroy(&l->b));
  PetscCall(VecDestroy(&l->ubar));
  PetscCall(VecDestroy(&l->lambda));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* State and gradients of m and, where it is a block, of b */
static PetscErrorCode LoadedRight(Loaded *l, Dini dini, const char what[])
{
  Vec      g, part;
  PetscInt n;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVecsClose(l->c.u, l->reference.u, 1e-9, what));
  PetscCall(DiniCreateParameterVec(dini, &g));
  PetscCall(DiniVJP(dini, l->ubar, g));
  PetscCall(DiniGetNumberParameters(dini, &n));
  for (PetscInt p = 0; p < n; p++) {
    PetscCall(DiniGetParameterSubVec(dini, g, p, &part));
    PetscCall(DiniTestVecsClose(part, l->lambda, l->rtol, what));
    PetscCall(DiniRestoreParameterSubVec(dini, g, p, &part));
  }
  PetscCall(DiniTestDotProduct(dini, 1e-8));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* b from the application's own solve: solved again, attached, differenced, checked; b is a block without any code */
static PetscErrorCode TestFound(SNESType type, PetscBool attach)
{
  Loaded            l;
  Dini              dini;
  PetscInt          p;
  PetscBool         same;
  DiniParameterType kind;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(type, &l));
  PetscCall(SNESSolve(l.c.snes, l.b, l.c.u));
  PetscCall(CubicDini(&l.c, DINISNES, NULL)); /* m by differences of F - b */
  dini = l.c.dini;
  PetscCall(DiniAddParameter(dini, "b", l.b, &p));
  if (attach) PetscCall(DiniAttach(dini, l.c.u));
  else PetscCall(DiniSolve(dini, l.c.u));
  PetscCall(LoadedRight(&l, dini, attach ? "attached" : "solved"));
  PetscCall(DiniGetParameterType(dini, p, &kind));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERRHS, &same));
  DiniTestTrue(same, "F_b is of type %s", kind);
  /* another value of b, as an optimisation would */
  PetscCall(VecShift(l.b, 0.25));
  PetscCall(LoadedReference(&l, l.b));
  PetscCall(DiniSolve(dini, l.c.u));
  PetscCall(LoadedRight(&l, dini, "solved again"));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(CubicResidual((Cubic *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES without a Jacobian of its own */
static PetscErrorCode LoadedDifferences(Loaded *l)
{
  PetscFunctionBeginUser;
  PetscCall(SNESDestroy(&l->c.snes));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &l->c.snes));
  PetscCall(SNESSetFunction(l->c.snes, NULL, Residual, &l->c));
  PetscCall(SNESSetJacobian(l->c.snes, l->c.J, l->c.J, SNESComputeJacobianDefaultColor, NULL));
  PetscCall(SNESSetTolerances(l->c.snes, 1e-13, 1e-13, 0.0, 50, 1000));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* An application that never calls SNESSolve() says it; J by PETSc's coloured differences, whose base is the SNES's last F */
static PetscErrorCode TestGiven(void)
{
  Loaded l;
  Vec    found, before;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(NULL, &l));
  PetscCall(LoadedDifferences(&l));
  l.rtol = 1e-6; /* J is one of one-sided differences */
  PetscCall(CubicDini(&l.c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetRHS(l.c.dini, l.b));
  PetscCall(DiniSolve(l.c.dini, l.c.u));
  PetscCall(LoadedRight(&l, l.c.dini, "given"));
  /* the SNES is as it was: without b, and its F goes with that */
  PetscCall(SNESGetRhs(l.c.snes, &found));
  DiniTestTrue(!found, "the SNES holds a right-hand side that it did not have");
  PetscCall(SNESGetFunction(l.c.snes, &found, NULL, NULL));
  PetscCall(VecDuplicate(found, &before));
  PetscCall(SNESComputeFunction(l.c.snes, l.c.u, before));
  PetscCall(DiniTestVecsClose(found, before, 1e-8, "the SNES's last F"));
  PetscCall(VecDestroy(&before));
  PetscCall(SNESComputeJacobian(l.c.snes, l.c.u, l.c.J, l.c.J));
  PetscCall(DiniTestMatsClose(l.c.J, l.reference.J, 1e-5, "J of the SNES afterwards"));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two Dinis on one SNES, each with its own b; the derivative of one does not see the other's */
static PetscErrorCode TestTwo(void)
{
  Loaded    l;
  Dini      other;
  Vec       c, v, mbar;
  PetscReal fnorm;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(NULL, &l));
  PetscCall(DiniTestVec(l.b, 8, &c));
  PetscCall(VecDuplicate(c, &v));
  PetscCall(VecDuplicate(c, &mbar));
  PetscCall(SNESSolve(l.c.snes, l.b, l.c.u));
  PetscCall(CubicDini(&l.c, DINISNES, NULL));
  PetscCall(DiniAttach(l.c.dini, l.c.u));
  PetscCall(SNESSolve(l.c.snes, c, v));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &other));
  PetscCall(DiniSetSNES(other, l.c.snes));
  PetscCall(DiniAddParameter(other, "m", l.c.m, NULL));
  PetscCall(DiniAttach(other, v));
  PetscCall(LoadedRight(&l, l.c.dini, "the first of two"));
  PetscCall(DiniComputeResidual(l.c.dini, l.c.u, mbar));
  PetscCall(VecNorm(mbar, NORM_INFINITY, &fnorm));
  DiniTestTrue(fnorm < 1e-10, "|F(u, m) - b| = %g of the first of two", (double)fnorm);
  PetscCall(LoadedReference(&l, c));
  PetscCall(DiniVJP(other, l.ubar, mbar));
  PetscCall(DiniTestVecsClose(mbar, l.lambda, 1e-8, "the second of two"));
  /* which one would a solve take? */
  DiniTestExpect(DiniSolve(l.c.dini, l.c.u), PETSC_ERR_ARG_WRONGSTATE, "DiniSetRHS()");
  PetscCall(DiniSolve(other, v));
  PetscCall(DiniSetRHS(l.c.dini, l.b));
  PetscCall(DiniSolve(l.c.dini, l.c.u));
  PetscCall(LoadedReference(&l, l.b));
  PetscCall(LoadedRight(&l, l.c.dini, "the first of two, solved again"));
  PetscCall(DiniDestroy(&other));
  PetscCall(VecDestroy(&c));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&mbar));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A SNES that has lost its b, or taken another one, is not solved on a guess; a block that was b and is not any more */
static PetscErrorCode TestAmbiguous(void)
{
  Loaded            l;
  Vec               c;
  DiniParameterType kind;
  PetscInt          p;
  PetscBool         same;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(NULL, &l));
  PetscCall(CubicDini(&l.c, DINISNES, NULL));
  PetscCall(DiniSolve(l.c.dini, l.c.u)); /* F = 0 */
  PetscCall(SNESSolve(l.c.snes, l.b, l.c.u));
  DiniTestExpect(DiniSolve(l.c.dini, l.c.u), PETSC_ERR_ARG_WRONGSTATE, "one of F(u, m) = 0");
  PetscCall(DiniReset(l.c.dini));
  PetscCall(DiniSolve(l.c.dini, l.c.u));
  PetscCall(LoadedRight(&l, l.c.dini, "after DiniReset()"));
  PetscCall(SNESReset(l.c.snes));
  DiniTestExpect(DiniSolve(l.c.dini, l.c.u), PETSC_ERR_ARG_WRONGSTATE, "SNESReset()");
  PetscCall(DiniAddParameter(l.c.dini, "b", l.b, &p));
  PetscCall(SNESSolve(l.c.snes, l.b, l.c.u));
  PetscCall(DiniSolve(l.c.dini, l.c.u));
  PetscCall(LoadedRight(&l, l.c.dini, "with b as a block"));
  PetscCall(VecDuplicate(l.b, &c));
  PetscCall(VecCopy(l.b, c));
  PetscCall(SNESSolve(l.c.snes, c, l.c.u));
  PetscCall(DiniAttach(l.c.dini, l.c.u)); /* b is not the right-hand side here */
  PetscCall(DiniGetParameterType(l.c.dini, p, &kind));
  PetscCall(PetscStrcmp(kind, DINIPARAMETERRHS, &same));
  DiniTestTrue(!same, "F_b is still of type %s", kind);
  PetscCall(VecDestroy(&c));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscScalar dot;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDot(u, (Vec)ctx, &dot));
  *value = PetscRealPart(dot);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  PetscCall(VecCopy((Vec)ctx, dJdu));
  PetscCall(VecSet(dJdm, 0.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Solves that an optimiser asks for keep b, and -dini_check holds b against differences */
static PetscErrorCode TestObjective(void)
{
  Loaded      l;
  Vec         m, g;
  PetscReal   value;
  PetscViewer viewer;
  char        text[4096];

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(NULL, &l));
  PetscCall(SNESSolve(l.c.snes, l.b, l.c.u));
  PetscCall(CubicDini(&l.c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetState(l.c.dini, l.c.u));
  PetscCall(DiniSetObjective(l.c.dini, Value, Gradient, l.ubar));
  PetscCall(DiniCreateParameterVec(l.c.dini, &m));
  PetscCall(VecDuplicate(m, &g));
  PetscCall(VecShift(m, 0.125));
  PetscCall(DiniComputeObjectiveAndGradient(l.c.dini, m, &value, g));
  PetscCall(LoadedReference(&l, l.b));
  PetscCall(DiniTestVecsClose(l.c.u, l.reference.u, 1e-9, "state at another m"));
  PetscCall(DiniTestVecsClose(g, l.lambda, 1e-8, "gradient at another m"));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniCheck(l.c.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, "Dini check passed"));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&g));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Bounds: held to nothing here but by the type; the semismooth one takes b off another function and is refused */
static PetscErrorCode TestVariational(SNESType type, PetscBool refused)
{
  Loaded l;
  Vec    lower, upper, F;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(type, &l));
  PetscCall(VecDuplicate(l.c.u, &F));
  PetscCall(SNESSetFunction(l.c.snes, F, Residual, &l.c));
  PetscCall(VecDestroy(&F));
  PetscCall(VecDuplicate(l.c.u, &lower));
  PetscCall(VecDuplicate(l.c.u, &upper));
  PetscCall(VecSet(lower, -50.0));
  PetscCall(VecSet(upper, 50.0));
  PetscCall(SNESVISetVariableBounds(l.c.snes, lower, upper));
  PetscCall(CubicDini(&l.c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetRHS(l.c.dini, l.b));
  if (refused) DiniTestExpect(DiniSolve(l.c.dini, l.c.u), PETSC_ERR_SUP, "vinewtonrsls");
  else {
    PetscCall(DiniSolve(l.c.dini, l.c.u));
    PetscCall(LoadedRight(&l, l.c.dini, "variational"));
  }
  PetscCall(VecDestroy(&lower));
  PetscCall(VecDestroy(&upper));
  PetscCall(LoadedDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestMisuse(void)
{
  Loaded l;
  Vec    small;
  Chain  chain;

  PetscFunctionBeginUser;
  PetscCall(LoadedCreate(NULL, &l));
  PetscCall(CubicDini(&l.c, DINISHELL, DINIPARAMETERRHS));
  DiniTestExpect(DiniSetRHS(l.c.dini, l.b), PETSC_ERR_ORDER, "DiniSetSNES()");
  PetscCall(DiniDestroy(&l.c.dini));
  PetscCall(CubicDini(&l.c, DINISNES, DINIPARAMETERRHS));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 5, &small));
  PetscCall(DiniSetRHS(l.c.dini, small));
  DiniTestExpect(DiniSolve(l.c.dini, l.c.u), PETSC_ERR_ARG_SIZ, "The right-hand side b");
  PetscCall(DiniSetRHS(l.c.dini, l.b));
  PetscCall(DiniSolve(l.c.dini, l.c.u));
  PetscCall(LoadedRight(&l, l.c.dini, "after a wrong one"));
  PetscCall(VecDestroy(&small));
  PetscCall(LoadedDestroy(&l));
  /* a forward model that ends on another grid */
  PetscCall(ChainCreate(9, CHAIN_LOCAL, &chain));
  PetscCall(SNESSetGridSequence(chain.snes, 1));
  PetscCall(ChainDini(&chain));
  DiniTestExpect(DiniSolve(chain.dini, chain.u), PETSC_ERR_SUP, "-snes_grid_sequence");
  PetscCall(ChainDestroy(&chain));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(TestFound(NULL, PETSC_FALSE));
  if (size > 1) { /* -malloc_debug is slow on one rank */
    PetscCall(TestFound(NULL, PETSC_TRUE));
    PetscCall(TestFound(SNESNEWTONTR, PETSC_FALSE));
    if (!PetscDefined(USE_COMPLEX)) PetscCall(TestFound(SNESNGMRES, PETSC_FALSE)); /* accepted by |F - b| */
  }
  PetscCall(TestGiven());
  PetscCall(TestTwo());
  PetscCall(TestAmbiguous());
  PetscCall(TestObjective());
  if (!PetscDefined(USE_COMPLEX)) {
    PetscCall(TestVariational(SNESVINEWTONRSLS, PETSC_FALSE));
    PetscCall(TestVariational(SNESVINEWTONSSLS, PETSC_TRUE));
  }
  PetscCall(TestMisuse());
  PetscCall(PetscFinalize());
  return 0;
}
