static char help[] =
    "What is told of the error of products of second order bounds it: of differences of first-order products that are far\n\
from linear, and of a state that a loose forward solve has left.\n";

#include "support/dinitest.h"

#define N 3 /* on each rank */

typedef enum { SECOND_TANGENT, HESSIAN_VECTOR, HESSIAN_COLUMNS, PRODUCTS } Product;

static const char *const products[] = {"DiniSecondJVP()", "DiniHVP()", "DiniMatHVP()"};

/* u + u^3/10 = g(m) = m + small sin(fast m), entry by entry, and J = |u|^2/2 */
typedef struct {
  PetscReal small, fast;
  Mat       J;
  Vec       u, m, v, w, right;
  SNES      snes;
  Dini      dini;
} Cells;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Cells             *c = (Cells *)ctx;
  const PetscScalar *a, *m;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(VecGetArrayRead(u, &a));
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(F, &f));
  for (PetscInt i = 0; i < N; i++)
    f[i] = a[i] + 0.1 * a[i] * a[i] * a[i] - m[i] - c->small * PetscSinScalar(c->fast * m[i]);
  PetscCall(VecRestoreArray(F, &f));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscScalar *a;
  PetscInt           lo, hi;

  PetscFunctionBeginUser;
  (void)snes, (void)P, (void)ctx;
  PetscCall(MatGetOwnershipRange(J, &lo, &hi));
  PetscCall(VecGetArrayRead(u, &a));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(J, i, i, 1.0 + 0.3 * a[i - lo] * a[i - lo], INSERT_VALUES));
  PetscCall(VecRestoreArrayRead(u, &a));
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  PetscReal norm;

  PetscFunctionBeginUser;
  (void)dini, (void)ctx;
  PetscCall(VecNorm(u, NORM_2, &norm));
  *value = 0.5 * norm * norm;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini, (void)dJdm, (void)ctx;
  PetscCall(VecCopy(u, dJdu));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsCreate(PetscReal small, PetscReal fast, PetscReal rtol, PetscReal at, Cells *c)
{
  PetscScalar *m;
  PetscInt     p;

  PetscFunctionBeginUser;
  c->small = small;
  c->fast  = fast;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, N, N, PETSC_DETERMINE, PETSC_DETERMINE, 1, NULL, 0, NULL, &c->J));
  PetscCall(MatCreateVecs(c->J, &c->u, &c->m));
  PetscCall(VecDuplicate(c->m, &c->v));
  PetscCall(VecDuplicate(c->m, &c->w));
  PetscCall(VecDuplicate(c->m, &c->right));
  PetscCall(VecGetArray(c->m, &m));
  for (PetscInt i = 0; i < N; i++) m[i] = at + 0.05 * i;
  PetscCall(VecRestoreArray(c->m, &m));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &c->snes));
  PetscCall(SNESSetFunction(c->snes, NULL, Residual, c));
  PetscCall(SNESSetJacobian(c->snes, c->J, c->J, Jacobian, c));
  PetscCall(SNESSetTolerances(c->snes, 0.0, rtol, 0.0, 50, 500));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &c->dini));
  PetscCall(DiniSetSNES(c->dini, c->snes));
  PetscCall(DiniAddParameter(c->dini, "m", c->m, &p));
  PetscCall(DiniSetParameterType(c->dini, p, DINIPARAMETERFD));
  PetscCall(DiniSetObjective(c->dini, Value, Gradient, c));
  PetscCall(VecSet(c->v, 1.0));
  PetscCall(VecSet(c->u, 0.5 * at));
  PetscCall(DiniSolve(c->dini, c->u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CellsDestroy(Cells *c)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&c->dini));
  PetscCall(SNESDestroy(&c->snes));
  PetscCall(MatDestroy(&c->J));
  PetscCall(VecDestroy(&c->u));
  PetscCall(VecDestroy(&c->m));
  PetscCall(VecDestroy(&c->v));
  PetscCall(VecDestroy(&c->w));
  PetscCall(VecDestroy(&c->right));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* At the u that solves to rounding: u'', or u' u' + u u'' */
static PetscErrorCode Right(Cells *c, PetscBool hessian)
{
  const PetscScalar *m;
  PetscScalar       *w;

  PetscFunctionBeginUser;
  PetscCall(VecGetArrayRead(c->m, &m));
  PetscCall(VecGetArray(c->right, &w));
  for (PetscInt i = 0; i < N; i++) {
    const PetscReal x = PetscRealPart(m[i]), g = x + c->small * PetscSinReal(c->fast * x),
                    g1 = 1.0 + c->small * c->fast * PetscCosReal(c->fast * x),
                    g2 = -c->small * c->fast * c->fast * PetscSinReal(c->fast * x);
    PetscReal u        = g, u1, u2;

    for (int k = 0; k < 60; k++) u -= (u + 0.1 * u * u * u - g) / (1.0 + 0.3 * u * u);
    u1   = g1 / (1.0 + 0.3 * u * u);
    u2   = (g2 - 0.6 * u * u1 * u1) / (1.0 + 0.3 * u * u);
    w[i] = hessian ? u1 * u1 + u * u2 : u2;
  }
  PetscCall(VecRestoreArray(c->right, &w));
  PetscCall(VecRestoreArrayRead(c->m, &m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* H along v, as the second of two columns */
static PetscErrorCode SecondColumn(Cells *c)
{
  Mat V, HV;
  Vec column;

  PetscFunctionBeginUser;
  PetscCall(MatCreateDense(PETSC_COMM_WORLD, N, PETSC_DECIDE, PETSC_DETERMINE, 2, NULL, &V));
  PetscCall(MatDuplicate(V, MAT_DO_NOT_COPY_VALUES, &HV));
  for (PetscInt j = 0; j < 2; j++) {
    PetscCall(MatDenseGetColumnVecWrite(V, j, &column));
    PetscCall(VecSet(column, j ? 1.0 : -0.5));
    PetscCall(MatDenseRestoreColumnVecWrite(V, j, &column));
  }
  PetscCall(DiniMatHVP(c->dini, V, HV));
  PetscCall(MatGetColumnVector(HV, c->w, 1));
  PetscCall(MatDestroy(&V));
  PetscCall(MatDestroy(&HV));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(Cells *c, Product product)
{
  PetscFunctionBeginUser;
  switch (product) {
  case SECOND_TANGENT:
    PetscCall(DiniSecondJVP(c->dini, c->v, c->v, c->w));
    break;
  case HESSIAN_VECTOR:
    PetscCall(DiniHVP(c->dini, c->v, c->w));
    break;
  default:
    PetscCall(SecondColumn(c));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dini_view says the same number */
static PetscErrorCode Viewed(Cells *c, PetscReal told)
{
  char        text[8192], line[64];
  PetscViewer viewer;

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(line, sizeof(line), "second order %g (relative)", (double)told));
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniView(c->dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  PetscCall(DiniTestTextHas(text, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Compare(Cells *c, Product product, PetscReal rtol, PetscReal *largest)
{
  DiniStatistics stats;
  PetscReal      error, size, told;

  PetscFunctionBeginUser;
  PetscCall(Apply(c, product));
  PetscCall(DiniGetStatistics(c->dini, &stats));
  told = stats.second_error;
  PetscCall(Right(c, (PetscBool)(product != SECOND_TANGENT)));
  PetscCall(VecAXPY(c->w, -1.0, c->right));
  PetscCall(VecNorm(c->w, NORM_INFINITY, &error));
  PetscCall(VecNorm(c->right, NORM_INFINITY, &size));
  error /= size;
  *largest = PetscMax(*largest, error);
  DiniTestTrue(told > 0.0 && error <= 20.0 * told && told <= 1e4 * PetscMax(error, 1e-7),
               "%s, small %g, fast %g, -snes_rtol %g: off by %g, told %g", products[product], (double)c->small,
               (double)c->fast, (double)rtol, (double)error, (double)told);
  PetscCall(Viewed(c, told));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each product is the first at a point in turn */
static PetscErrorCode Test(PetscReal small, PetscReal fast, PetscReal rtol, PetscReal least)
{
  Cells     c;
  PetscReal largest = 0.0;

  PetscFunctionBeginUser;
  for (int k = 0; k < 4; k++) {
    PetscCall(CellsCreate(small, fast, rtol, 0.6 + 0.31 * k, &c));
    for (int i = 0; i < PRODUCTS; i++) PetscCall(Compare(&c, (Product)((k + i) % PRODUCTS), rtol, &largest));
    PetscCall(CellsDestroy(&c));
  }
  DiniTestTrue(largest >= least, "small %g, fast %g, -snes_rtol %g: the errors, %g, are too small to tell anything",
               (double)small, (double)fast, (double)rtol, (double)largest);
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(Test(0.01, 300.0, 1e-14, 1e-6));
  PetscCall(Test(0.03, 100.0, 1e-14, 1e-6));
  PetscCall(Test(0.1, 30.0, 1e-14, 1e-6));
  PetscCall(Test(0.0, 1.0, 1e-1, 1e-4));
  PetscCall(Test(0.0, 1.0, 1e-3, 1e-7));
  PetscCall(Test(0.0, 1.0, 1e-14, 0.0));
  PetscCall(PetscFinalize());
  return 0;
}
