static char help[] = "Posteriors of one parameter to thousands, with fewer data than parameters, none, or more: the "
                     "covariance is the inverse of A + R.\n";

#include "support/dinitest.h"
#include <dinislepc.h>

/* u = G m, N parameters, D numbers that are predicted, of which the first `rank` know anything; J = weight/2 |u - d|^2, with the prior's |m|^2_R / 2 where it is inside */
typedef struct {
  PetscInt  N, D, rank;
  PetscReal weight;
  PetscBool inside;
  Mat       G, R, J;
  Vec       m, d;
} Problem;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(MatMult(p->G, p->m, F));
  PetscCall(VecAYPX(F, -1.0, u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  (void)P;
  (void)ctx;
  PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  PetscCall(MatCopy(((Problem *)ctx)->G, Fm, SAME_NONZERO_PATTERN));
  PetscCall(MatScale(Fm, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Problem    *p = (Problem *)ctx;
  Vec         r;
  PetscReal   norm;
  PetscScalar prior = 0.0;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &r));
  PetscCall(VecWAXPY(r, -1.0, p->d, u));
  PetscCall(VecNorm(r, NORM_2, &norm));
  PetscCall(VecDestroy(&r));
  if (p->inside) {
    PetscCall(VecDuplicate(p->m, &r));
    PetscCall(MatMult(p->R, p->m, r));
    PetscCall(VecDot(r, p->m, &prior));
    PetscCall(VecDestroy(&r));
  }
  *value = 0.5 * p->weight * norm * norm + 0.5 * PetscRealPart(prior);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Problem *p = (Problem *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecWAXPY(dJdu, -1.0, p->d, u));
  PetscCall(VecScale(dJdu, p->weight));
  if (p->inside) PetscCall(MatMult(p->R, p->m, dJdm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Rows of numbers in [-1, 1], the same on any number of ranks */
static PetscErrorCode Predictions(Problem *p, PetscInt rows, PetscInt columns)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, rows, columns, p->D, p->N, 0, NULL, 0, NULL, &p->G));
  PetscCall(MatSetOption(p->G, MAT_NEW_NONZERO_ALLOCATION_ERR, PETSC_FALSE));
  PetscCall(MatGetOwnershipRange(p->G, &lo, &hi));
  for (PetscInt i = lo; i < PetscMin(hi, p->rank); i++)
    for (PetscInt j = 0; j < p->N; j++) {
      const PetscReal angle = 12.9898 * (PetscReal)(i + 1) + 78.233 * (PetscReal)(j + 1);

      PetscCall(MatSetValue(p->G, i, j, PetscSinReal(angle * angle), INSERT_VALUES));
    }
  PetscCall(MatAssemblyBegin(p->G, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->G, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(Problem *p)
{
  PetscInt lo, hi;

  PetscFunctionBeginUser;
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, p->N, &p->m));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, p->D, &p->d));
  PetscCall(DiniTestFill(p->d, 3));
  PetscCall(VecGetLocalSize(p->m, &hi));
  PetscCall(VecGetLocalSize(p->d, &lo));
  PetscCall(Predictions(p, lo, hi));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, hi, hi, p->N, p->N, 3, NULL, 2, NULL, &p->R));
  PetscCall(MatGetOwnershipRange(p->R, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(MatSetValue(p->R, i, i, 2.5 + 0.5 * PetscSinReal((PetscReal)i), INSERT_VALUES));
    if (i) PetscCall(MatSetValue(p->R, i, i - 1, -1.0, INSERT_VALUES));
    if (i + 1 < p->N) PetscCall(MatSetValue(p->R, i, i + 1, -1.0, INSERT_VALUES));
  }
  PetscCall(MatAssemblyBegin(p->R, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->R, MAT_FINAL_ASSEMBLY));
  PetscCall(VecGetLocalSize(p->d, &lo));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, lo, lo, p->D, p->D, 1, NULL, 0, NULL, &p->J));
  PetscCall(MatGetOwnershipRange(p->J, &lo, &hi));
  for (PetscInt i = lo; i < hi; i++) PetscCall(MatSetValue(p->J, i, i, 1.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(p->J, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->J, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* (weight G^H G + R) C x = x */
static PetscErrorCode CheckCovariance(Problem *p, DiniPosterior post, PetscBool R, PetscReal rtol, const char what[])
{
  Vec x, y, z, w, u;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(p->m, 5, &x));
  PetscCall(VecDuplicate(x, &y));
  PetscCall(VecDuplicate(x, &z));
  PetscCall(VecDuplicate(x, &w));
  PetscCall(VecDuplicate(p->d, &u));
  PetscCall(DiniPosteriorApplyCovariance(post, x, y));
  PetscCall(MatMult(p->G, y, u));
  PetscCall(MatMultHermitianTranspose(p->G, u, z));
  PetscCall(VecScale(z, p->weight));
  if (R) PetscCall(MatMult(p->R, y, w));
  else PetscCall(VecCopy(y, w));
  PetscCall(VecAXPY(z, 1.0, w));
  PetscCall(DiniTestVecsClose(z, x, rtol, what));
  PetscCall(VecDestroy(&x));
  PetscCall(VecDestroy(&y));
  PetscCall(VecDestroy(&z));
  PetscCall(VecDestroy(&w));
  PetscCall(VecDestroy(&u));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(PetscInt N, PetscInt D, PetscInt rank, PetscReal weight, PetscBool inside, PetscBool R,
                           DiniPosteriorMethod method)
{
  Problem       p = {.N = N, .D = D, .rank = rank, .weight = weight, .inside = inside};
  Vec           r, u, m;
  Mat           Fm;
  SNES          snes;
  Dini          dini;
  DiniPosterior post;
  PetscReal     value;
  char          what[128];

  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(what, sizeof(what), "N %d, D %d, weight %g, inside %d, R %d, %s", (int)N, (int)D,
                          (double)weight, (int)inside, (int)R, DiniPosteriorMethods[method]));
  PetscCall(Create(&p));
  PetscCall(VecDuplicate(p.d, &r));
  PetscCall(VecDuplicate(p.d, &u));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetFunction(snes, r, Residual, &p));
  PetscCall(SNESSetJacobian(snes, p.J, p.J, Jacobian, &p));
  PetscCall(SNESSetFromOptions(snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "m", p.m, NULL));
  PetscCall(MatDuplicate(p.G, MAT_COPY_VALUES, &Fm));
  PetscCall(DiniSetParameterJacobian(dini, 0, Fm, Fill, &p));
  PetscCall(DiniSetState(dini, u));
  PetscCall(DiniSetObjective(dini, Value, Gradient, &p));
  PetscCall(DiniSetHessianType(dini, DINI_HESSIAN_GAUSS_NEWTON));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniTestVec(p.m, 9, &m));
  PetscCall(DiniComputeObjective(dini, m, &value));
  PetscCall(DiniPosteriorCreate(dini, &post));
  PetscCall(DiniPosteriorSetMethod(post, method));
  PetscCall(DiniPosteriorSetPrior(post, R ? p.R : NULL, inside));
  PetscCall(DiniPosteriorSetDimension(post, PETSC_DECIDE, 1e-6));
  PetscCall(DiniPosteriorSetTolerance(post, 1e-7, 100));
  PetscCall(DiniPosteriorSetFromOptions(post));
  PetscCall(DiniPosteriorSolve(post));
  PetscCall(CheckCovariance(&p, post, R, 1e-4, what));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(MatDestroy(&Fm));
  PetscCall(MatDestroy(&p.G));
  PetscCall(MatDestroy(&p.R));
  PetscCall(MatDestroy(&p.J));
  PetscCall(VecDestroy(&p.m));
  PetscCall(VecDestroy(&p.d));
  PetscCall(VecDestroy(&r));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  static const PetscInt sizes[][3] = {{1, 1, 1},    {1, 2, 2},     {2, 1, 1},        {44, 7, 7},
                                      {22, 30, 30}, {500, 10, 10}, {500, 1000, 100}, {5000, 10000, 12}};

  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  for (int way = 0; way < 6; way++) {
    const PetscBool           inside = (PetscBool)(way % 3 == 2), R = (PetscBool)(way % 3 > 0);
    const DiniPosteriorMethod method = way < 3 ? DINI_POSTERIOR_EPS : DINI_POSTERIOR_RANDOMIZED;

    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(sizes); k++)
      PetscCall(Test(sizes[k][0], sizes[k][1], sizes[k][2], 50.0, inside, R, method));
    if (R) PetscCall(Test(44, 7, 7, way < 3 ? 0.0 : 1e-12, inside, R, method)); /* none, hardly any */
  }
  PetscCall(SlepcFinalize());
  return 0;
}
