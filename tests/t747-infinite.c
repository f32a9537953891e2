static char help[] =
    "Eigenvalues that are infinite, where B is singular: they take no part in clusters, have no derivative of their own, and those\n\
of the finite ones agree with differences.\n";

#include "support/eigen.h"

/* Two elements without mass next to each other: a node of no mass, and one infinite eigenvalue */
static PetscErrorCode Create(PetscInt N, EPSType type, EPSProblemType problem, Spring *s)
{
  PetscFunctionBeginUser;
  PetscCall(SpringCreate(N, PETSC_FALSE, PETSC_FALSE, s));
  for (PetscInt e = 3; e <= 4; e++) PetscCall(VecSetValue(s->m[1], e, 0.0, INSERT_VALUES));
  PetscCall(VecAssemblyBegin(s->m[1]));
  PetscCall(VecAssemblyEnd(s->m[1]));
  for (PetscInt e = 0; e <= N; e++) PetscCall(ShiftEntry(s->m[0], e, 0.1 * (PetscReal)(e % 3)));
  PetscCall(EPSSetType(s->eps, type));
  PetscCall(EPSSetProblemType(s->eps, problem));
  PetscCall(EPSSetDimensions(s->eps, N, PETSC_DEFAULT, PETSC_DEFAULT));
  PetscCall(SpringDini(s, DINIPARAMETERMATRIX));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The i-th smallest eigenvalue at stiffnesses that differ in entry e by h */
static PetscErrorCode Shifted(Spring *s, PetscInt i, PetscInt e, PetscReal h, PetscReal *lambda)
{
  PetscScalar re;

  PetscFunctionBeginUser;
  PetscCall(ShiftEntry(s->m[0], e, h));
  PetscCall(DiniEigenSolve(s->dini));
  PetscCall(DiniGetEigenpair(s->dini, i, &re, NULL, NULL, NULL));
  PetscCall(ShiftEntry(s->m[0], e, -h));
  *lambda = PetscRealPart(re);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Test(EPSType type, EPSProblemType problem)
{
  const PetscInt  N = 8;
  Spring          s;
  PetscInt        n, members;
  const PetscInt *member;
  PetscReal       gap, high, low;
  Vec             mbar, part;
  PetscScalar    *all;

  PetscFunctionBeginUser;
  PetscCall(Create(N, type, problem, &s));
  PetscCall(DiniEigenSolve(s.dini));
  PetscCall(DiniGetNumberEigenpairs(s.dini, &n));
  DiniTestCount(n, N, "pairs");
  PetscCall(DiniCreateParameterVec(s.dini, &mbar));
  for (PetscInt i = 0; i < N; i++) {
    PetscCall(DiniGetEigenCluster(s.dini, i, &members, &member, &gap));
    DiniTestCount(members, 1, "members of a cluster");
    DiniTestTrue((gap < 1e3) == (i < N - 1), "gap %g of pair %" PetscInt_FMT, (double)gap, i);
  }
  DiniTestExpect(DiniEigenvalueVJP(s.dini, N - 1, 1.0, 0.0, mbar), PETSC_ERR_SUP, "is infinite");
  DiniTestExpect(DiniEigenClusterVJP(s.dini, N - 1, 1.0, 0.0, mbar), PETSC_ERR_SUP, "is infinite");
  DiniTestExpect(DiniGetLeftEigenvector(s.dini, N - 1, NULL, NULL), PETSC_ERR_SUP, "is infinite");
  for (PetscInt i = 0; i < N - 1; i += 3) {
    PetscCall(DiniEigenSolve(s.dini));
    PetscCall(DiniEigenvalueVJP(s.dini, i, 1.0, 0.0, mbar));
    PetscCall(DiniGetParameterSubVec(s.dini, mbar, 0, &part));
    PetscCall(GatherAll(part, &all));
    PetscCall(DiniRestoreParameterSubVec(s.dini, mbar, 0, &part));
    for (PetscInt e = 0; e <= N; e += 4) {
      PetscCall(Shifted(&s, i, e, 1e-4, &high));
      PetscCall(Shifted(&s, i, e, -1e-4, &low));
      DiniTestClose(PetscRealPart(all[e]), (high - low) / 2e-4, 1e-5, 1e-5, "derivative of a finite eigenvalue");
    }
    PetscCall(PetscFree(all));
  }
  PetscCall(VecDestroy(&mbar));
  PetscCall(SpringDestroy(&s));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, help));
  PetscCall(Test(EPSLAPACK, EPS_GHEP));
  PetscCall(Test(EPSLAPACK, EPS_GNHEP));
  PetscCall(Test(EPSKRYLOVSCHUR, EPS_GNHEP));
  PetscCall(SlepcFinalize());
  return 0;
}
