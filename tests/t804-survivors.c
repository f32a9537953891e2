static char help[] =
    "Objects that outlive what they stand for: derivative and Hessian Mats tell that their point has moved, and what an\n\
application keeps of a Dini that is gone is an error to use, not a crash. And who has changed a parameter.\n";

#include "support/fixtures.h"
#include "support/fixedmap.h"
#include <petsc/private/petscimpl.h> /* object states */

/* A new point is a new state of the Mats that stand for it; more products at one point are not */
static PetscErrorCode TestMoves(void)
{
  Curved           c;
  Mat              D, H;
  Vec              v, w;
  PetscReal        value;
  PetscObjectState state[2], now[2];

  PetscFunctionBeginUser;
  PetscCall(CurvedCreate(6, &c));
  PetscCall(CurvedDini(&c, DINIPARAMETERMATRIX));
  PetscCall(DiniCreateParameterVec(c.dini, &v));
  PetscCall(VecDuplicate(v, &w));
  PetscCall(DiniComputeObjective(c.dini, v, &value));
  PetscCall(DiniGetDerivative(c.dini, &D));
  PetscCall(DiniGetHessian(c.dini, &H));
  for (int k = 0; k < 3; k++) {
    PetscCall(MatMult(H, v, w));
    PetscCall(PetscObjectStateGet((PetscObject)D, &state[0]));
    PetscCall(PetscObjectStateGet((PetscObject)H, &state[1]));
    PetscCall(MatMult(H, v, w));
    PetscCall(PetscObjectStateGet((PetscObject)D, &now[0]));
    PetscCall(PetscObjectStateGet((PetscObject)H, &now[1]));
    DiniTestTrue(now[0] == state[0] && now[1] == state[1], "A product is no new state of the Mat");
    if (k == 2) PetscCall(DiniAttach(c.dini, c.u));
    else {
      PetscCall(VecShift(v, 0.01));
      PetscCall(DiniComputeObjective(c.dini, v, &value));
    }
    PetscCall(PetscObjectStateGet((PetscObject)D, &now[0]));
    PetscCall(PetscObjectStateGet((PetscObject)H, &now[1]));
    DiniTestTrue(now[0] > state[0], "The derivative's state does not tell that the point has moved");
    DiniTestTrue(now[1] > state[1], "The Hessian's state does not tell that the point has moved");
  }
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(CurvedDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What has been kept longer than the Dini, or than what it stood for there */
static PetscErrorCode TestKept(PetscBool reset)
{
  Cubic c;
  Vec   v, w;
  KSP   ksp;
  Mat   Fm;

  PetscFunctionBeginUser;
  PetscCall(CubicCreate(6, 0.25, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETEROPERATOR));
  PetscCall(DiniTestVec(c.u, 1, &v));
  PetscCall(VecDuplicate(v, &w));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniJVP(c.dini, v, w));
  PetscCall(DiniGetTangentKSP(c.dini, &ksp));
  PetscCall(PetscObjectReference((PetscObject)ksp));
  PetscCall(DiniGetParameterJacobian(c.dini, c.p, &Fm));
  PetscCall(PetscObjectReference((PetscObject)Fm));
  PetscCall(MatMult(Fm, v, w));
  if (reset) PetscCall(DiniReset(c.dini));
  else PetscCall(DiniDestroy(&c.dini));
  DiniTestExpect(MatMult(Fm, v, w), PETSC_ERR_ARG_WRONGSTATE, "has been destroyed");
  DiniTestExpect(KSPSolve(ksp, v, w), PETSC_ERR_ARG_WRONGSTATE, "has been destroyed");
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(MatDestroy(&Fm));
  PetscCall(KSPDestroy(&ksp));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&v));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TestKeptFixedPoint(void)
{
  FixedMap f;
  Vec      v, w;
  Mat      J;

  PetscFunctionBeginUser;
  PetscCall(FixedMapCreate(6, FIXEDMAP_SYMMETRIC, 0.5, 0.1, &f));
  PetscCall(FixedMapDini(&f, DINI_FIXEDPOINT_OPERATOR));
  PetscCall(DiniTestVec(f.u, 1, &v));
  PetscCall(VecDuplicate(v, &w));
  PetscCall(DiniSolve(f.dini, f.u));
  PetscCall(DiniGetJacobian(f.dini, &J, NULL));
  PetscCall(PetscObjectReference((PetscObject)J));
  PetscCall(MatMult(J, v, w));
  PetscCall(DiniDestroy(&f.dini));
  DiniTestExpect(MatMult(J, v, w), PETSC_ERR_ARG_WRONGSTATE, "has been destroyed");
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(FixedMapDestroy(&f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Who has changed a parameter ---- */

typedef struct {
  Vec         m;
  PetscScalar k;
  PetscBool   number, vector; /* what the residual writes to */
} Writer;

/* F = k u - m */
static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Writer *w = (Writer *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  if (w->number) w->k *= 1.5;
  if (w->vector) PetscCall(VecScale(w->m, 1.5));
  PetscCall(VecAXPBYPCZ(F, w->k, -1.0, 0.0, u, w->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  (void)P;
  PetscCall(MatZeroEntries(J));
  PetscCall(MatShift(J, ((Writer *)ctx)->k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The message names the residual, not somebody "since the solve" */
static PetscErrorCode TestWriter(PetscBool number, MatType type)
{
  Writer w = {.k = 2.0};
  SNES   snes;
  Dini   dini;
  Mat    A;
  Vec    u, v, g;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 6, &u));
  PetscCall(VecDuplicate(u, &w.m));
  PetscCall(VecSet(w.m, 1.0));
  PetscCall(VecSet(u, 1.0));
  PetscCall(MatCreate(PETSC_COMM_WORLD, &A));
  PetscCall(MatSetSizes(A, PETSC_DECIDE, PETSC_DECIDE, 6, 6));
  PetscCall(MatSetType(A, type));
  PetscCall(MatSetUp(A));
  PetscCall(MatDiagonalSet(A, u, INSERT_VALUES));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, NULL, Residual, &w));
  PetscCall(SNESSetJacobian(snes, A, A, Jacobian, &w));
  PetscCall(SNESSetTolerances(snes, 1e-8, 1e-8, 1e-8, 100, 1000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", w.m, NULL));
  PetscCall(DiniAddScalarParameter(dini, "k", &w.k, NULL));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDuplicate(u, &v));
  PetscCall(VecSet(v, 1.0));
  PetscCall(DiniCreateParameterVec(dini, &g));
  PetscCall(DiniVJP(dini, v, g));
  PetscCall(VecDestroy(&g));
  w.number = number;
  w.vector = (PetscBool)!number;
  PetscCall(VecSet(u, 0.0));
  PetscCall(SNESSetTolerances(snes, 1e30, 1e-8, 1e30, 1, 1000)); /* stops at once, whatever F is */
  DiniTestExpectAny(DiniSolve(dini, u), "during the solve");
  PetscCall(VecDestroy(&w.m));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&v));
  PetscCall(MatDestroy(&A));
  PetscCall(SNESDestroy(&snes));
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* ---- Whose transposed product is wrong ---- */

static PetscErrorCode LinearResidual(Dini dini, Vec u, Vec F, void *ctx)
{
  Linear *l = (Linear *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(MatMult(l->A, u, F));
  PetscCall(VecAXPY(F, -1.0, l->m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A constant J of this type: right, or PETSc is named; the application's matrix is not */
static PetscErrorCode TestType(MatType type)
{
  Linear         l;
  Mat            J;
  Vec            v, w, expected;
  PetscErrorCode failed;
  PetscBool      right, sell;
  PetscMPIInt    ranks;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type, MATSELL, &sell));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &ranks));
  if (PetscDefined(USE_DEBUG) && sell && ranks > 1)
    PetscFunctionReturn(PETSC_SUCCESS); /* its MatConvert() checks itself */
  PetscCall(LinearCreate(9, &l));
  PetscCall(MatConvert(l.A, type, MAT_INITIAL_MATRIX, &J));
  PetscCall(DiniTestVec(l.u, 1, &v));
  PetscCall(VecDuplicate(v, &w));
  PetscCall(VecDuplicate(v, &expected));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_FALSE, l.m, l.u));
  PetscCall(DiniTestDirectSolve(l.A, PETSC_TRUE, v, expected));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &l.dini));
  PetscCall(DiniSetType(l.dini, DINISHELL));
  PetscCall(DiniSetResidual(l.dini, LinearResidual, &l));
  PetscCall(DiniSetJacobian(l.dini, J, NULL, NULL, NULL));
  PetscCall(DiniAddParameter(l.dini, "m", l.m, NULL));
  PetscCall(DiniSetParameterType(l.dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniAttach(l.dini, l.u));
  PetscCall(DiniTestCatch());
  failed = DiniVJP(l.dini, v, w);
  if (failed) /* of newer releases the plain product with MATSELL is wrong at times, and J then not dF/du: any error will do */
    PetscCall(DiniTestCaught(failed, 0, PETSC_VERSION_LT(3, 22, 0) ? "fault of this PETSc" : "",
                             "DiniVJP() with MATSELL", __FILE__, __LINE__));
  else PetscCall(DiniTestRightOrError(failed, w, expected, 1e-8, "VJP with this type of matrix", &right));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&expected));
  PetscCall(LinearDestroy(&l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestMoves());
  PetscCall(TestType(MATSELL));
  PetscCall(TestType(MATBAIJ));
  PetscCall(TestKeptFixedPoint());
  PetscCall(TestWriter(PETSC_TRUE, MATAIJ));
  PetscCall(TestWriter(PETSC_FALSE, MATAIJ));
  PetscCall(TestKept(PETSC_TRUE));
  PetscCall(TestKept(PETSC_FALSE));
  PetscCall(PetscFinalize());
  return 0;
}
