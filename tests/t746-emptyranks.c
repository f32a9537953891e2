static char help[] = "Eigenproblems where a rank has no rows: SLEPc's failure there is refused by name, and indefinite "
                     "problems (GHIEP)\n"
                     "are differentiated on any number of ranks that have rows.\n";

#include "support/dinitest.h"
#include <dinislepc.h>

/* A x = lambda B x with A = tridiag(-1, m_i, -1) and B = diag(b), of both signs: A + t B moves every lambda by t */
typedef struct {
  Mat  A, B;
  Vec  m, b;
  EPS  eps;
  Dini dini;
} Indefinite;

static PetscErrorCode Assemble(Dini dini, PetscInt n, Mat M[], void *ctx)
{
  Indefinite *p = (Indefinite *)ctx;

  PetscFunctionBeginUser;
  (void)dini, (void)n;
  PetscCall(MatDiagonalSet(M[0], p->m, INSERT_VALUES));
  PetscCall(MatDiagonalSet(M[1], p->b, INSERT_VALUES));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(PetscInt N, PetscBool alone, Indefinite *p)
{
  PetscMPIInt rank;
  PetscInt    lo, hi, n = PETSC_DECIDE;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  if (alone) n = rank == 0 ? N : 0;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, n, n, N, N, 3, NULL, 2, NULL, &p->A));
  PetscCall(MatGetOwnershipRange(p->A, &lo, &hi));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, hi - lo, hi - lo, N, N, 1, NULL, 0, NULL, &p->B));
  PetscCall(MatCreateVecs(p->A, &p->m, &p->b));
  for (PetscInt i = lo; i < hi; i++) {
    PetscCall(VecSetValue(p->m, i, 2.5 + 0.1 * (PetscReal)(i % 5), INSERT_VALUES));
    PetscCall(VecSetValue(p->b, i, (i % 3 ? 1.0 : -1.0) * (1.0 + 0.1 * (PetscReal)i), INSERT_VALUES));
    for (PetscInt j = PetscMax(i - 1, 0); j <= PetscMin(i + 1, N - 1); j++)
      PetscCall(MatSetValue(p->A, i, j, -1.0, INSERT_VALUES));
  }
  PetscCall(VecAssemblyBegin(p->m));
  PetscCall(VecAssemblyEnd(p->m));
  PetscCall(VecAssemblyBegin(p->b));
  PetscCall(VecAssemblyEnd(p->b));
  PetscCall(MatAssemblyBegin(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(p->A, MAT_FINAL_ASSEMBLY));
  PetscCall(EPSCreate(PETSC_COMM_WORLD, &p->eps));
  PetscCall(EPSSetOperators(p->eps, p->A, p->B));
  PetscCall(EPSSetProblemType(p->eps, EPS_GHIEP));
  PetscCall(EPSSetTolerances(p->eps, 1e-12, 1000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetEPS(p->dini, p->eps));
  PetscCall(DiniSetEigenSystem(p->dini, Assemble, p));
  PetscCall(DiniAddParameter(p->dini, "m", p->m, NULL));
  PetscCall(DiniSetFromOptions(p->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Destroy(Indefinite *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(EPSDestroy(&p->eps));
  PetscCall(VecDestroy(&p->m));
  PetscCall(VecDestroy(&p->b));
  PetscCall(MatDestroy(&p->A));
  PetscCall(MatDestroy(&p->B));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* d lambda / dm . b = 1 */
static PetscErrorCode Right(Indefinite *p, const char what[])
{
  Vec         g;
  PetscScalar sum;

  PetscFunctionBeginUser;
  PetscCall(DiniEigenSolve(p->dini));
  PetscCall(VecDuplicate(p->m, &g));
  PetscCall(DiniEigenvalueVJP(p->dini, 0, 1.0, 0.0, g));
  PetscCall(VecDot(g, p->b, &sum));
  DiniTestClose(PetscRealPart(sum), 1.0, 1e-6, 0.0, what);
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* All rows on rank 0 */
static PetscErrorCode TestAlone(EPSProblemType type, EPSType solver, PetscBool twosided)
{
  Indefinite  p;
  PetscMPIInt size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(Create(20, PETSC_TRUE, &p));
  PetscCall(EPSSetProblemType(p.eps, type));
  PetscCall(EPSSetType(p.eps, solver));
  PetscCall(EPSSetTwoSided(p.eps, twosided));
  if (size > 1) {
    DiniTestExpect(DiniEigenSolve(p.dini), PETSC_ERR_SUP, "Rank 1 has no rows, and SLEPc's BVNormalize() fails");
    PetscCall(EPSSetTwoSided(p.eps, PETSC_FALSE));
    PetscCall(EPSSetType(p.eps, EPSLAPACK));
    PetscCall(Right(&p, "lapack after a refusal"));
  } else if (type == EPS_GHIEP) PetscCall(Right(&p, "on one rank"));
  PetscCall(Destroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Indefinite p;

  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks());
  PetscCall(Create(20, PETSC_FALSE, &p));
  PetscCall(Right(&p, "rows on every rank"));
  PetscCall(Destroy(&p));
  PetscCall(TestAlone(EPS_GHIEP, EPSKRYLOVSCHUR, PETSC_FALSE));
  PetscCall(TestAlone(EPS_GNHEP, EPSSUBSPACE, PETSC_FALSE));
  PetscCall(TestAlone(EPS_GNHEP, EPSKRYLOVSCHUR, PETSC_TRUE));
  PetscCall(SlepcFinalize());
  return 0;
}
