/* EPS, PEP and NEP: what is asked of each, in one table. */
#include "../../private/dinieigenimpl.h"

static PetscErrorCode DiniGetTerms_EPS(PetscObject solver, PetscInt *n, Mat M[])
{
  PetscFunctionBegin;
  *n = 2;
  PetscCall(EPSGetOperators((EPS)solver, &M[0], &M[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetTerms_EPS(PetscObject solver, PetscInt n, Mat M[])
{
  PetscFunctionBegin;
  (void)n;
  PetscCall(EPSSetOperators((EPS)solver, M[0], M[1]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  SLEPc's BVNormalize(), up to 3.26 at least, hands LAPACK's lascl the number of a rank's rows as the leading dimension: zero is an
  error on that rank, and the others wait for it. These solvers end with it.
*/
static PetscErrorCode DiniCheckRows_EPS(EPS eps)
{
  Mat             A;
  const PetscInt *start;
  EPSProblemType  type;
  PetscBool       twosided, subspace, spared, normalizes;
  PetscMPIInt     size;

  PetscFunctionBegin;
  PetscCall(EPSGetProblemType(eps, &type));
  PetscCall(EPSGetTwoSided(eps, &twosided));
  PetscCall(PetscObjectTypeCompare((PetscObject)eps, EPSSUBSPACE, &subspace));
  PetscCall(PetscObjectTypeCompareAny((PetscObject)eps, &spared, EPSLAPACK, EPSGD, EPSJD, ""));
  normalizes = (PetscBool)(subspace || twosided || type == EPS_GHIEP || type == EPS_PGNHEP);
  if (spared || !normalizes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(EPSGetOperators(eps, &A, NULL));
  PetscCall(MatGetOwnershipRanges(A, &start));
  PetscCallMPI(MPI_Comm_size(PetscObjectComm((PetscObject)eps), &size));
  for (PetscMPIInt r = 0; r < size; r++)
    PetscCheck(
        start[r] < start[r + 1], PetscObjectComm((PetscObject)eps), PETSC_ERR_SUP,
        "Rank %d has no rows, and SLEPc's BVNormalize() fails there alone, in LAPACK's lascl, which an EPS of type "
        "%s ends with in this problem%s: give every rank a row, use fewer ranks, or -eps_type lapack",
        (int)r, ((PetscObject)eps)->type_name ? ((PetscObject)eps)->type_name : EPSKRYLOVSCHUR,
        twosided ? " with left vectors" : "");
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_EPS(PetscObject solver)
{
  PetscFunctionBegin;
  PetscCall(DiniCheckRows_EPS((EPS)solver));
  PetscCall(EPSSolve((EPS)solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOutcome_EPS(PetscObject solver, PetscInt *its, PetscInt *nconv, PetscBool *good,
                                      const char **why)
{
  EPSConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(EPSGetConvergedReason((EPS)solver, &reason));
  PetscCall(EPSGetIterationNumber((EPS)solver, its));
  PetscCall(EPSGetConverged((EPS)solver, nconv));
  *good = (PetscBool)(reason > 0);
  *why  = EPSConvergedReasons[reason];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHermitian_EPS(PetscObject solver, PetscBool *hermitian)
{
  EPSProblemType type;

  PetscFunctionBegin;
  PetscCall(EPSGetProblemType((EPS)solver, &type));
  *hermitian = (PetscBool)(type == EPS_HEP || type == EPS_GHEP);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPair_EPS(PetscObject solver, PetscInt i, PetscScalar *kr, PetscScalar *ki, Vec xr, Vec xi)
{
  PetscFunctionBegin;
  PetscCall(EPSGetEigenpair((EPS)solver, i, kr, ki, xr, xi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLeft_EPS(PetscObject solver, PetscInt i, Vec yr, Vec yi, PetscBool *has)
{
  PetscFunctionBegin;
  PetscCall(EPSGetTwoSided((EPS)solver, has));
  if (*has) PetscCall(EPSGetLeftEigenvector((EPS)solver, i, yr, yi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T = A - lambda B */
static PetscErrorCode DiniCoefficients_EPS(PetscObject solver, PetscInt n, DiniComplex lambda, DiniComplex c[],
                                           DiniComplex dc[])
{
  PetscFunctionBegin;
  (void)solver;
  (void)n;
  c[0]  = DiniCx(1.0, 0.0);
  c[1]  = DiniCx(-lambda.re, -lambda.im);
  dc[0] = DiniCx(0.0, 0.0);
  dc[1] = DiniCx(-1.0, 0.0);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetTerms_PEP(PetscObject solver, PetscInt *n, Mat M[])
{
  PEPBasis basis;

  PetscFunctionBegin;
  PetscCall(PEPGetBasis((PEP)solver, &basis));
  PetscCheck(basis == PEP_BASIS_MONOMIAL, PetscObjectComm(solver), PETSC_ERR_SUP,
             "The PEP states its polynomial in the basis %s; Dini knows the monomial one", PEPBasisTypes[basis]);
  PetscCall(PEPGetNumMatrices((PEP)solver, n));
  PetscCheck(*n <= DINI_EIGEN_TERMS, PetscObjectComm(solver), PETSC_ERR_SUP,
             "The PEP has %" PetscInt_FMT " matrices, Dini takes %d", *n, DINI_EIGEN_TERMS);
  for (PetscInt k = 0; k < *n; k++) PetscCall(PEPGetOperators((PEP)solver, k, &M[k]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetTerms_PEP(PetscObject solver, PetscInt n, Mat M[])
{
  PetscFunctionBegin;
  PetscCall(PEPSetOperators((PEP)solver, n, M));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_PEP(PetscObject solver)
{
  PetscFunctionBegin;
  PetscCall(PEPSolve((PEP)solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOutcome_PEP(PetscObject solver, PetscInt *its, PetscInt *nconv, PetscBool *good,
                                      const char **why)
{
  PEPConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(PEPGetConvergedReason((PEP)solver, &reason));
  PetscCall(PEPGetIterationNumber((PEP)solver, its));
  PetscCall(PEPGetConverged((PEP)solver, nconv));
  *good = (PetscBool)(reason > 0);
  *why  = PEPConvergedReasons[reason];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniHermitianNot_Eigen(PetscObject solver, PetscBool *hermitian)
{
  PetscFunctionBegin;
  (void)solver;
  *hermitian = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPair_PEP(PetscObject solver, PetscInt i, PetscScalar *kr, PetscScalar *ki, Vec xr, Vec xi)
{
  PetscFunctionBegin;
  PetscCall(PEPGetEigenpair((PEP)solver, i, kr, ki, xr, xi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniLeftNot_Eigen(PetscObject solver, PetscInt i, Vec yr, Vec yi, PetscBool *has)
{
  PetscFunctionBegin;
  (void)solver;
  (void)i;
  (void)yr;
  (void)yi;
  *has = PETSC_FALSE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T = sum_k lambda^k A_k */
static PetscErrorCode DiniCoefficients_PEP(PetscObject solver, PetscInt n, DiniComplex lambda, DiniComplex c[],
                                           DiniComplex dc[])
{
  PetscFunctionBegin;
  (void)solver;
  c[0]  = DiniCx(1.0, 0.0);
  dc[0] = DiniCx(0.0, 0.0);
  for (PetscInt k = 1; k < n; k++) {
    c[k]  = DiniCxMul(lambda, c[k - 1]);
    dc[k] = DiniCxScale((PetscReal)k, c[k - 1]);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniGetTerms_NEP(PetscObject solver, PetscInt *n, Mat M[])
{
  FN f;

  PetscFunctionBegin;
  PetscCall(NEPGetSplitOperatorInfo((NEP)solver, n, NULL)); /* an error where there is no split form */
  PetscCheck(*n <= DINI_EIGEN_TERMS, PetscObjectComm(solver), PETSC_ERR_SUP,
             "The NEP has %" PetscInt_FMT " terms, Dini takes %d", *n, DINI_EIGEN_TERMS);
  for (PetscInt k = 0; k < *n; k++) PetscCall(NEPGetSplitOperatorTerm((NEP)solver, k, &M[k], &f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSetTerms_NEP(PetscObject solver, PetscInt n, Mat M[])
{
  FN           f[DINI_EIGEN_TERMS];
  MatStructure structure;
  Mat          m;

  PetscFunctionBegin;
  PetscCall(NEPGetSplitOperatorInfo((NEP)solver, NULL, &structure));
  for (PetscInt k = 0; k < n; k++) PetscCall(NEPGetSplitOperatorTerm((NEP)solver, k, &m, &f[k]));
  PetscCall(NEPSetSplitOperator((NEP)solver, n, M, f, structure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniSolve_NEP(PetscObject solver)
{
  PetscFunctionBegin;
  PetscCall(NEPSolve((NEP)solver));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniOutcome_NEP(PetscObject solver, PetscInt *its, PetscInt *nconv, PetscBool *good,
                                      const char **why)
{
  NEPConvergedReason reason;

  PetscFunctionBegin;
  PetscCall(NEPGetConvergedReason((NEP)solver, &reason));
  PetscCall(NEPGetIterationNumber((NEP)solver, its));
  PetscCall(NEPGetConverged((NEP)solver, nconv));
  *good = (PetscBool)(reason > 0);
  *why  = NEPConvergedReasons[reason];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniPair_NEP(PetscObject solver, PetscInt i, PetscScalar *kr, PetscScalar *ki, Vec xr, Vec xi)
{
  PetscFunctionBegin;
  PetscCall(NEPGetEigenpair((NEP)solver, i, kr, ki, xr, xi));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* T = sum_k f_k(lambda) A_k */
static PetscErrorCode DiniCoefficients_NEP(PetscObject solver, PetscInt n, DiniComplex lambda, DiniComplex c[],
                                           DiniComplex dc[])
{
  PetscFunctionBegin;
  PetscCheck(PetscDefined(USE_COMPLEX) || lambda.im == 0.0, PetscObjectComm(solver), PETSC_ERR_SUP,
             "The NEP has an eigenvalue with imaginary part %g, at which real scalars can not evaluate its functions; "
             "use a PETSc with complex scalars",
             (double)lambda.im);
  for (PetscInt k = 0; k < n; k++) {
    Mat         m;
    FN          f;
    PetscScalar value, slope;

    PetscCall(NEPGetSplitOperatorTerm((NEP)solver, k, &m, &f));
    PetscCall(FNEvaluateFunction(f, DiniCxScalar(lambda), &value));
    PetscCall(FNEvaluateDerivative(f, DiniCxScalar(lambda), &slope));
    c[k]  = DiniCxOf(value, 0.0);
    dc[k] = DiniCxOf(slope, 0.0);
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

const DiniEigenSolver DiniEigenSolvers[] = {
    {DINIEPS, DiniGetTerms_EPS, DiniSetTerms_EPS, DiniSolve_EPS, DiniOutcome_EPS, DiniHermitian_EPS, DiniPair_EPS,
     DiniLeft_EPS, DiniCoefficients_EPS},
    {DINIPEP, DiniGetTerms_PEP, DiniSetTerms_PEP, DiniSolve_PEP, DiniOutcome_PEP, DiniHermitianNot_Eigen, DiniPair_PEP,
     DiniLeftNot_Eigen, DiniCoefficients_PEP},
    {DININEP, DiniGetTerms_NEP, DiniSetTerms_NEP, DiniSolve_NEP, DiniOutcome_NEP, DiniHermitianNot_Eigen, DiniPair_NEP,
     DiniLeftNot_Eigen, DiniCoefficients_NEP},
};
