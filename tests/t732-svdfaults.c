static char help[] = "An SVD of du/dm whose products are wrong, NaN, loose, or fail half-way.\n";

#include "support/dense.h"
#include "support/eigen.h"
#include "support/failing.h"

static const char *const types[] = {SVDTRLANCZOS, SVDCROSS, SVDRANDOMIZED};

static PetscScalar Skewed(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  if (i == j) return DiniTestScalar(3.0 + 0.2 * (PetscReal)i, 0.5);
  return j == i + 1 ? DiniTestScalar(1.5, -0.8) : i == j + 1 ? DiniTestScalar(-0.4, 0.3) : 0.0;
}

static PetscScalar Sensors(PetscInt i, PetscInt j, PetscInt N)
{
  (void)N;
  return DiniTestScalar(1.0 / (1.0 + PetscSqr((PetscReal)(j - 2 * i))), 0.2 * (PetscReal)i - 0.1 * (PetscReal)j);
}

/* A Mat with a fault: Y = M x, and another product the other way */
typedef enum { MAT_GOOD, MAT_WRONG_SIGN, MAT_NO_CONJUGATE, MAT_NAN, MAT_ERROR } MatFault;

typedef struct {
  Mat      M;
  MatFault fault;
  PetscInt at, count; /* at this product, counted both ways */
} Faulty;

static PetscErrorCode Strike(Faulty *f, Vec y)
{
  const PetscBool now = (PetscBool)(++f->count >= f->at);

  PetscFunctionBeginUser;
  if (now && f->fault == MAT_NAN) PetscCall(FaultInject(FAULT_NAN, y));
  if (now && f->fault == MAT_ERROR) PetscCall(FaultInject(FAULT_ERROR_ONE, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FaultyMult(Mat A, Vec x, Vec y)
{
  Faulty *f;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &f));
  PetscCall(MatMult(f->M, x, y));
  PetscCall(Strike(f, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FaultyAdjoint(Mat A, Vec x, Vec y)
{
  Faulty *f;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(A, &f));
  if (f->fault == MAT_NO_CONJUGATE) PetscCall(MatMultTranspose(f->M, x, y));
  else PetscCall(MatMultHermitianTranspose(f->M, x, y));
  if (f->fault == MAT_WRONG_SIGN) PetscCall(VecScale(y, -1.0));
  PetscCall(Strike(f, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode FaultyCreate(Mat M, MatFault fault, PetscInt at, Faulty *f, Mat *A)
{
  PetscInt m, n, Mg, N;

  PetscFunctionBeginUser;
  f->M     = M;
  f->fault = fault;
  f->at    = at;
  f->count = 0;
  PetscCall(MatGetLocalSize(M, &m, &n));
  PetscCall(MatGetSize(M, &Mg, &N));
  PetscCall(MatCreateShell(PETSC_COMM_WORLD, m, n, Mg, N, f, A));
  PetscCall(MatShellSetOperation(*A, MATOP_MULT, (void (*)(void))FaultyMult));
  PetscCall(MatShellSetOperation(*A, PetscDefined(USE_COMPLEX) ? MATOP_MULT_HERMITIAN_TRANSPOSE : MATOP_MULT_TRANSPOSE,
                                 (void (*)(void))FaultyAdjoint));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Dini dini, Mat B, Mat S, SVDType type, PetscInt count, SVD *svd)
{
  PetscFunctionBeginUser;
  PetscCall(DiniCreateSVD(dini, B, S, svd));
  PetscCall(SVDSetType(*svd, type));
  PetscCall(SVDSetDimensions(*svd, count, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SVDSetFromOptions(*svd));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* B and S whose products do not belong together, give NaN, or fail on one rank in the midst of the solve */
static PetscErrorCode TestFactors(SVDType type)
{
  const PetscInt N = 8;
  System         s;
  SVD            svd;
  Dense          A, Bd, BA;
  Mat            B, S, bad;
  Faulty         f;
  PetscInt       n, nonzero;
  PetscBool      cross;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type, SVDCROSS, &cross));
  PetscCall(SystemCreate(N, Skewed, &s));
  PetscCall(VecGetLocalSize(s.u, &n));
  PetscCall(DenseMat(PETSC_DECIDE, n, 3, N, Sensors, &B));
  PetscCall(DenseMat(n, PETSC_DECIDE, N, 4, Sensors, &S));
  PetscCall(DenseJVPs(s.dini, &A));
  PetscCall(DenseFill(3, N, Sensors, &Bd));
  PetscCall(DenseProduct(&Bd, &A, &BA));
  for (int fault = MAT_WRONG_SIGN; fault <= MAT_NO_CONJUGATE; fault++) {
    if (fault == MAT_NO_CONJUGATE && !PetscDefined(USE_COMPLEX)) continue;
    PetscCall(FaultyCreate(B, (MatFault)fault, 0, &f, &bad));
    PetscCall(Create(s.dini, bad, NULL, type, 2, &svd));
    DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_ARG_WRONG, "operator B on the state is not the adjoint");
    PetscCall(SVDDestroy(&svd));
    PetscCall(MatDestroy(&bad));
    PetscCall(FaultyCreate(S, (MatFault)fault, 0, &f, &bad));
    PetscCall(Create(s.dini, NULL, bad, type, 2, &svd));
    DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_ARG_WRONG, "operator S on the parameters is not the adjoint");
    PetscCall(SVDDestroy(&svd));
    PetscCall(MatDestroy(&bad));
    if (cross) continue; /* SLEPc's own error, about a negative eigenvalue */
    /* without that guard, by the triplets */
    PetscCall(DiniSetGuard(s.dini, PETSC_FALSE));
    PetscCall(FaultyCreate(B, (MatFault)fault, 0, &f, &bad));
    PetscCall(Create(s.dini, bad, NULL, type, 2, &svd));
    DiniTestExpectAny(DiniSVDSolve(svd, NULL), "");
    PetscCall(SVDDestroy(&svd));
    PetscCall(MatDestroy(&bad));
    PetscCall(DiniSetGuard(s.dini, PETSC_TRUE));
  }
  for (PetscInt at = 1; at <= 7; at += 3) {
    for (int fault = at == 4 ? MAT_NAN : MAT_ERROR; fault <= MAT_ERROR; fault++) {
      PetscCall(FaultyCreate(B, (MatFault)fault, at, &f, &bad));
      PetscCall(Create(s.dini, bad, NULL, type, 2, &svd));
      DiniTestExpectAny(DiniSVDSolve(svd, NULL), "of the operator B on the state");
      f.fault = MAT_GOOD;
      PetscCall(DiniSVDSolve(svd, &nonzero));
      PetscCall(DenseExpect(&BA, svd, 2, 1e-7, "values after an error"));
      PetscCall(SVDDestroy(&svd));
      PetscCall(MatDestroy(&bad));
    }
  }
  PetscCall(DenseDestroy(&A));
  PetscCall(DenseDestroy(&Bd));
  PetscCall(DenseDestroy(&BA));
  PetscCall(MatDestroy(&B));
  PetscCall(MatDestroy(&S));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* F_m by callbacks: an adjoint that is off by half, and errors of either callback in the midst of the solve */
static PetscErrorCode TestCallbacks(SVDType type, Call call, Fault fault)
{
  Failing  k;
  SVD      svd;
  Dense    A;
  PetscInt nonzero;

  PetscFunctionBeginUser;
  PetscCall(FailingCreate(DINIKSP, call, fault, &k));
  PetscCall(DiniSolve(k.l.dini, k.l.u));
  PetscCall(DenseJVPs(k.l.dini, &A));
  for (PetscInt at = 3; at <= (fault == FAULT_WRONG ? 3 : 4); at++) {
    PetscCall(Create(k.l.dini, NULL, NULL, type, 3, &svd));
    k.count = 0;
    k.at    = fault == FAULT_WRONG ? ALWAYS : at;
    DiniTestExpectAny(DiniSVDSolve(svd, NULL), fault == FAULT_WRONG ? "Dini \"errors\": " : CallWords[call]);
    k.at = 0;
    PetscCall(DiniSVDSolve(svd, &nonzero));
    PetscCall(DenseExpect(&A, svd, 3, 1e-7, "values after a callback's error"));
    PetscCall(SVDDestroy(&svd));
  }
  PetscCall(DenseDestroy(&A));
  PetscCall(FailingDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Products good to two digits are not asked for eight; values good to two are */
static PetscErrorCode TestLoose(SVDType type)
{
  System s;
  SVD    svd;
  Dense  A;

  PetscFunctionBeginUser;
  PetscCall(SystemCreate(12, Skewed, &s));
  PetscCall(DenseJVPs(s.dini, &A));
  PetscCall(DiniSetTolerances(s.dini, 1e-2, PETSC_DEFAULT));
  PetscCall(Create(s.dini, NULL, NULL, type, 3, &svd));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_ARG_INCOMP, "-dini_tangent_rtol");
  PetscCall(DiniSetTolerances(s.dini, 1e-12, 1e-2));
  DiniTestExpect(DiniSVDSolve(svd, NULL), PETSC_ERR_ARG_INCOMP, "-dini_adjoint_rtol");
  PetscCall(DiniSetTolerances(s.dini, 1e-4, 1e-4));
  PetscCall(SVDSetTolerances(svd, 1e-4, PETSC_DEFAULT));
  PetscCall(DiniSVDSolve(svd, NULL));
  PetscCall(DenseExpect(&A, svd, 3, 3e-3, "values of loose products"));
  PetscCall(SVDDestroy(&svd));
  PetscCall(DenseDestroy(&A));
  PetscCall(SystemDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks()); /* errors from within products */
  for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
    PetscBool cross;

    PetscCall(PetscStrcmp(types[k], SVDCROSS, &cross));
    if (cross && PetscDefined(USE_DEBUG))
      continue; /* SLEPc without debugging unwinds PETSc's stack at errors of its own */
    PetscCall(TestFactors(types[k]));
    PetscCall(TestCallbacks(types[k], CALL_APPLY_ADJOINT, FAULT_WRONG));
    PetscCall(TestCallbacks(types[k], CALL_APPLY_ADJOINT, FAULT_ERROR_ONE));
    PetscCall(TestCallbacks(types[k], CALL_APPLY, FAULT_ERROR_ONE));
  }
  PetscCall(TestLoose(SVDTRLANCZOS));
  PetscCall(SlepcFinalize());
  return 0;
}
