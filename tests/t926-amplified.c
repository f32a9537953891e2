static char help[] =
    "What is told of the error of a derivative bounds it where J is nearly singular, and errors of F_m or J by differences\n\
become far larger ones of what is left of F_m^H lambda, or of J^-1 F_m dm.\n";

#include "support/dinitest.h"

#define N 24

/*
  F = A (m u) - b, entry by entry in m u, with A = c (L + s I) and the periodic Laplacian L, so du/dm = -diag(u / m) whatever s.
  Or one number p: F = p A u - b and du/dp = -u / p.
*/
typedef struct {
  Mat         A, J, Fm;
  Vec         u, m, b, w;
  PetscScalar p;
  PetscBool   one;
  SNES        snes;
  Dini        dini;
} Ring;

typedef enum { GIVEN, AFFINE, DENSE, COLOURED, ONE } Way;
typedef enum { VJP, MATVJP, ACCURATE, JVP, MATJVP } Task;

static const char *const ways[]  = {"given", "affine", "dense", "coloured", "one number"};
static const char *const tasks[] = {"DiniVJP()", "DiniMatVJP()", "DiniVJP() with a tolerance", "DiniJVP()",
                                    "DiniMatJVP()"};

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  const Ring *r = (const Ring *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecPointwiseMult(r->w, r->m, u));
  PetscCall(VecScale(r->w, r->p));
  PetscCall(MatMult(r->A, r->w, F));
  PetscCall(VecAXPY(F, -1.0, r->b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Scaled(const Ring *r, PetscScalar p, Vec columns, Mat B)
{
  PetscFunctionBeginUser;
  PetscCall(MatCopy(r->A, B, SAME_NONZERO_PATTERN));
  PetscCall(MatDiagonalScale(B, NULL, columns));
  PetscCall(MatScale(B, p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const Ring *r = (const Ring *)ctx;

  PetscFunctionBeginUser;
  (void)snes, (void)u, (void)J;
  PetscCall(Scaled(r, r->p, r->m, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ParameterJacobian(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  const Ring *r = (const Ring *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)m;
  PetscCall(Scaled(r, 1.0, u, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingCreate(Way way, PetscBool byrows, PetscReal s, Ring *r)
{
  const PetscScalar c = DiniTestScalar(1.0, 0.5);
  PetscInt          lo, hi;

  PetscFunctionBeginUser;
  *r = (Ring){.p = 1.0, .one = (PetscBool)(way == ONE)};
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, PETSC_DECIDE, PETSC_DECIDE, N, N, 3, NULL, 2, NULL, &r->A));
  PetscCall(MatGetOwnershipRange(r->A, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(r->A, i, i, c * (2.0 + s), INSERT_VALUES));
    PetscCall(MatSetValue(r->A, i, (i + 1) % N, -c, INSERT_VALUES));
    PetscCall(MatSetValue(r->A, i, (i + N - 1) % N, -c, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(r->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatDuplicate(r->A, MAT_COPY_VALUES, &r->J));
  PetscCall(MatDuplicate(r->A, MAT_COPY_VALUES, &r->Fm));
  PetscCall(MatCreateVecs(r->A, &r->u, &r->b));
  PetscCall(VecDuplicate(r->u, &r->m));
  PetscCall(VecDuplicate(r->u, &r->w));
  PetscCall(DiniTestFill(r->u, 1));
  PetscCall(VecShift(r->u, 3.0));
  PetscCall(DiniTestFill(r->m, 2));
  PetscCall(VecShift(r->m, 2.0));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &r->snes));
  PetscCall(SNESSetFunction(r->snes, NULL, Residual, r));
  PetscCall(SNESSetJacobian(r->snes, r->J, r->J, byrows ? NULL : Jacobian, byrows ? NULL : r));
  PetscCall(SNESSetFromOptions(r->snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &r->dini));
  PetscCall(DiniSetSNES(r->dini, r->snes));
  if (r->one) PetscCall(DiniAddScalarParameter(r->dini, "p", &r->p, NULL));
  else PetscCall(DiniAddParameter(r->dini, "m", r->m, NULL));
  if (way == GIVEN) PetscCall(DiniSetParameterJacobian(r->dini, 0, r->Fm, ParameterJacobian, r));
  if (way == COLOURED) PetscCall(DiniSetParameterJacobian(r->dini, 0, r->Fm, NULL, NULL));
  if (way == AFFINE) PetscCall(DiniSetParameterAffine(r->dini, 0, PETSC_TRUE));
  if (byrows) PetscCall(DiniSetJacobianType(r->dini, DINI_JACOBIAN_COLORING));
  PetscCall(DiniSetFromOptions(r->dini));
  PetscCall(VecPointwiseMult(r->w, r->m, r->u));
  PetscCall(MatMult(r->A, r->w, r->b));
  PetscCall(DiniAttach(r->dini, r->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RingDestroy(Ring *r)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&r->dini));
  PetscCall(SNESDestroy(&r->snes));
  PetscCall(MatDestroy(&r->A));
  PetscCall(MatDestroy(&r->J));
  PetscCall(MatDestroy(&r->Fm));
  PetscCall(VecDestroy(&r->u));
  PetscCall(VecDestroy(&r->m));
  PetscCall(VecDestroy(&r->b));
  PetscCall(VecDestroy(&r->w));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* y = what is to be the derivative of x */
static PetscErrorCode Right(const Ring *r, PetscBool adjoint, Vec x, Vec y)
{
  PetscScalar sum = 0.0;

  PetscFunctionBeginUser;
  if (!r->one) {
    PetscCall(VecPointwiseDivide(y, r->u, r->m));
    if (adjoint) PetscCall(VecConjugate(y));
    PetscCall(VecPointwiseMult(y, y, x));
  } else if (adjoint) {
    PetscCall(VecDot(x, r->u, &sum));
    PetscCall(VecSet(y, sum));
  } else {
    PetscCall(VecSum(x, &sum));
    PetscCall(VecCopy(r->u, y));
    PetscCall(VecScale(y, sum));
  }
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* As a block of one column */
static PetscErrorCode Block(const Ring *r, PetscBool adjoint, Vec x, Vec y)
{
  Mat      X, Y;
  Vec      column;
  PetscInt nx, ny;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(x, &nx));
  PetscCall(VecGetLocalSize(y, &ny));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, nx, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &X));
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, ny, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &Y));
  PetscCall(MatDenseGetColumnVecWrite(X, 1, &column));
  PetscCall(VecCopy(x, column));
  PetscCall(MatDenseRestoreColumnVecWrite(X, 1, &column));
  PetscCall(MatAssemblyBegin(X, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(X, MAT_FINAL_ASSEMBLY));
  PetscCall(adjoint ? DiniMatVJP(r->dini, X, Y) : DiniMatJVP(r->dini, X, Y));
  PetscCall(MatDenseGetColumnVecRead(Y, 1, &column));
  PetscCall(VecCopy(column, y));
  PetscCall(MatDenseRestoreColumnVecRead(Y, 1, &column));
  PetscCall(MatDestroy(&X));
  PetscCall(MatDestroy(&Y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The error of the worst entry by the largest one, and what is told of it */
static PetscErrorCode Ask(Ring *r, Task task, PetscInt seed, PetscReal *error, PetscReal *told)
{
  const PetscBool adjoint = (PetscBool)(task < JVP);
  DiniStatistics  stats;
  PetscReal       norm;
  Vec             flat, x, y, right;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(r->dini, &flat));
  PetscCall(VecDuplicate(adjoint ? r->u : flat, &x));
  PetscCall(VecDuplicate(adjoint ? flat : r->u, &y));
  PetscCall(VecDuplicate(y, &right));
  PetscCall(DiniTestFill(x, 20 + seed));
  PetscCall(VecShift(x, 2.0)); /* along the vector of the small eigenvalue, too */
  PetscCall(Right(r, adjoint, x, right));
  PetscCall(DiniSetGradientTolerance(r->dini, task == ACCURATE ? 1e-6 : 0.0));
  if (task == MATVJP || task == MATJVP) PetscCall(Block(r, adjoint, x, y));
  else PetscCall(adjoint ? DiniVJP(r->dini, x, y) : DiniJVP(r->dini, x, y));
  PetscCall(DiniGetStatistics(r->dini, &stats));
  *told = adjoint ? stats.gradient_error : stats.tangent_error;
  PetscCall(VecNorm(right, NORM_INFINITY, &norm));
  PetscCall(VecAXPY(y, -1.0, right));
  PetscCall(VecNorm(y, NORM_INFINITY, error));
  *error /= norm;
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscReal small[] = {1e-1, 1e-3, 1e-5, 1e-7};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int byrows = 0; byrows < 2; byrows++)
    for (int way = GIVEN; way <= ONE; way++)
      for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(small); k++)
        for (int task = VJP; task <= MATJVP; task++) {
          const PetscReal s     = small[k];
          const PetscReal floor = 20.0 * PETSC_MACHINE_EPSILON / s; /* what rounding of products becomes */
          Ring            r;
          PetscReal       error, told;

          PetscCall(RingCreate((Way)way, (PetscBool)byrows, s, &r));
          for (PetscInt seed = 0; seed < 2; seed++) {
            PetscCall(Ask(&r, (Task)task, seed, &error, &told));
            DiniTestTrue(error <= 10.0 * PetscMax(told, floor) && told <= 1e4 * PetscMax(error, 1e-13),
                         "F_m %s, J %s, smallest eigenvalue %g, %s: the error is %g, told %g", ways[way],
                         byrows ? "by differences" : "given", (double)s, tasks[task], (double)error, (double)told);
          }
          PetscCall(RingDestroy(&r));
        }
  PetscCall(PetscFinalize());
  return 0;
}
