static char help[] = "What the setters are handed: nothing, objects of other communicators and layouts, numbers out of "
                     "range. An error on all\n"
                     "ranks that names object and cure, and a Dini that serves afterwards.\n";

#include "support/fixtures.h"

typedef struct {
  Linear l;
  Vec    x, y, z;
} Case;

static PetscErrorCode CaseCreate(DiniType type, Case *k)
{
  PetscFunctionBeginUser;
  PetscCall(LinearCreate(7, &k->l));
  PetscCall(LinearDini(&k->l, type, DINIPARAMETERMATRIX));
  PetscCall(PetscObjectSetName((PetscObject)k->l.dini, "setters"));
  PetscCall(DiniTestVec(k->l.u, 1, &k->x));
  PetscCall(VecDuplicate(k->x, &k->y));
  PetscCall(VecDuplicate(k->x, &k->z));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CaseDestroy(Case *k)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&k->x));
  PetscCall(VecDestroy(&k->y));
  PetscCall(VecDestroy(&k->z));
  PetscCall(LinearDestroy(&k->l));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Serves(Case *k, const char what[])
{
  Mat J, Fm;

  PetscFunctionBeginUser;
  PetscCall(DiniSolve(k->l.dini, k->l.u));
  PetscCall(DiniVJP(k->l.dini, k->x, k->y));
  PetscCall(MatDuplicate(k->l.A, MAT_COPY_VALUES, &J));
  PetscCall(MatDuplicate(k->l.Fm, MAT_COPY_VALUES, &Fm));
  PetscCall(LinearAssemble(&k->l, J, k->l.c));
  PetscCall(LinearFill(&k->l, k->l.u, k->l.m, Fm));
  PetscCall(DiniTestReferenceVJP(J, Fm, k->x, k->z));
  PetscCall(DiniTestVecsClose(k->y, k->z, 1e-8, what));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refused at once, by the setter itself */
#define Refused(call, code, words)                                                                                     \
  do {                                                                                                                 \
    DiniTestExpect(call, code, words);                                                                                 \
    PetscCall(DiniTestTextHas(DiniTestMessages(), "Dini \"setters\""));                                                \
  } while (0)

static PetscErrorCode TestNumbers(DiniType type)
{
  Case k;
  Dini dini;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(type, &k));
  dini = k.l.dini;
  PetscCall(Serves(&k, "before"));
  for (int sign = -1; sign < 2; sign += 2) {
    const int beyond = sign < 0 ? -1 : 4;

    Refused(DiniSetTranspose(dini, (DiniTranspose)beyond), PETSC_ERR_ARG_OUTOFRANGE, "DiniTranspose");
    Refused(DiniSetAdjointType(dini, (DiniAdjointType)beyond), PETSC_ERR_ARG_OUTOFRANGE, "hermitian");
    Refused(DiniSetReuse(dini, (DiniReuse)beyond), PETSC_ERR_ARG_OUTOFRANGE, "DiniReuse");
    Refused(DiniSetParameterDifference(dini, 0, (DiniDifference)beyond, 0.0), PETSC_ERR_ARG_OUTOFRANGE, "complex");
    Refused(DiniSetParameterType(dini, beyond, DINIPARAMETERFD), PETSC_ERR_ARG_OUTOFRANGE, "1 have been added");
    Refused(DiniSetParameterActive(dini, beyond, PETSC_TRUE), PETSC_ERR_ARG_OUTOFRANGE, "1 have been added");
  }
  PetscCall(DiniSetTranspose(dini, DINI_TRANSPOSE_EXPLICIT)); /* the last ones are none too many */
  PetscCall(DiniSetReuse(dini, DINI_REUSE_NEVER));
  PetscCall(DiniSetParameterDifference(dini, 0, DINI_DIFFERENCE_CENTRAL, 0.0));
  PetscCall(Serves(&k, "after numbers out of range"));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* NULL, and objects of one rank */
static PetscErrorCode TestObjects(DiniType type)
{
  Case        k;
  Dini        dini;
  Vec         v;
  Mat         A;
  SNES        snes;
  KSP         ksp;
  Tao         tao;
  PetscMPIInt size;
  PetscBool   linear;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscStrcmp(type, DINIKSP, &linear));
  PetscCall(CaseCreate(type, &k));
  dini = k.l.dini;
  PetscCall(Serves(&k, "before"));
  DiniTestExpect(DiniSetSNES(dini, NULL), PETSC_ERR_ARG_NULL, "DiniSetSNES()");
  DiniTestExpect(DiniSetKSP(dini, NULL), PETSC_ERR_ARG_NULL, "DiniSetKSP()");
  DiniTestExpect(DiniSetTao(dini, NULL), PETSC_ERR_ARG_NULL, "DiniSetTao()");
  DiniTestExpect(DiniSetState(dini, NULL), PETSC_ERR_ARG_NULL, "state");
  DiniTestExpect(DiniSetJacobian(dini, NULL, NULL, NULL, NULL), PETSC_ERR_ARG_NULL, "DiniSetJacobian()");
  DiniTestExpect(DiniAddParameter(dini, "q", NULL, NULL), PETSC_ERR_ARG_NULL, "\"q\"");
  DiniTestExpect(DiniAddParameter(dini, NULL, k.l.m, NULL), PETSC_ERR_ARG_NULL, "name");
  DiniTestExpect(DiniAddScalarParameter(dini, "q", NULL, NULL), PETSC_ERR_ARG_NULL, "\"q\"");
  DiniTestExpect(DiniSetParameterJacobian(dini, 0, NULL, NULL, NULL), PETSC_ERR_ARG_NULL, "\"m\"");
  DiniTestExpect(DiniSetParameterType(dini, 0, NULL), PETSC_ERR_ARG_UNKNOWN_TYPE, "\"m\"");
  DiniTestExpect(DiniSetType(dini, NULL), PETSC_ERR_ARG_NULL, "DINISNES");
  if (linear) DiniTestExpect(DiniSetLinearSystem(dini, NULL, NULL, NULL), PETSC_ERR_ARG_NULL, "right-hand side");
  Refused(DiniAttach(dini, NULL), PETSC_ERR_ARG_NULL, "state u");
  Refused(DiniSolve(dini, NULL), PETSC_ERR_ARG_NULL, "state u");
  PetscCall(Serves(&k, "after NULL"));
  if (size > 1) {
    PetscCall(VecCreateSeq(PETSC_COMM_SELF, 7, &v));
    PetscCall(MatCreateSeqAIJ(PETSC_COMM_SELF, 7, 7, 1, NULL, &A));
    PetscCall(SNESCreate(PETSC_COMM_SELF, &snes));
    PetscCall(KSPCreate(PETSC_COMM_SELF, &ksp));
    PetscCall(KSPSetOperators(ksp, A, A));
    PetscCall(TaoCreate(PETSC_COMM_SELF, &tao));
    Refused(DiniSetSNES(dini, snes), PETSC_ERR_ARG_NOTSAMECOMM, "The SNES");
    Refused(DiniSetKSP(dini, ksp), PETSC_ERR_ARG_NOTSAMECOMM, "The KSP");
    Refused(DiniSetTao(dini, tao), PETSC_ERR_ARG_NOTSAMECOMM, "The Tao");
    Refused(DiniSetState(dini, v), PETSC_ERR_ARG_NOTSAMECOMM, "The state");
    Refused(DiniSetJacobian(dini, A, A, NULL, NULL), PETSC_ERR_ARG_NOTSAMECOMM, "The Jacobian");
    Refused(DiniSetJacobian(dini, k.l.A, A, NULL, NULL), PETSC_ERR_ARG_NOTSAMECOMM, "preconditioner");
    Refused(DiniAddParameter(dini, "q", v, NULL), PETSC_ERR_ARG_NOTSAMECOMM, "q");
    Refused(DiniSetParameterJacobian(dini, 0, A, NULL, NULL), PETSC_ERR_ARG_NOTSAMECOMM, "m");
    if (linear) Refused(DiniSetLinearSystem(dini, v, NULL, NULL), PETSC_ERR_ARG_NOTSAMECOMM, "right-hand side");
    PetscCall(VecDestroy(&v));
    PetscCall(MatDestroy(&A));
    PetscCall(SNESDestroy(&snes));
    PetscCall(KSPDestroy(&ksp));
    PetscCall(TaoDestroy(&tao));
    PetscCall(Serves(&k, "after objects of one rank"));
  }
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Diagonal(PetscInt m, PetscInt n, PetscInt M, PetscInt N, Mat *A)
{
  PetscFunctionBeginUser;
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, m, n, M, N, 1, NULL, 1, NULL, A));
  PetscCall(MatSetUp(*A));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(LinearFill((Linear *)ctx, u, m, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(Dini dini, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)P;
  PetscCall(LinearAssemble((Linear *)ctx, J, ((Linear *)ctx)->c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Matrices and vectors of another size, or with the right size on other ranks: found where they are first used */
static PetscErrorCode TestLayouts(DiniType type)
{
  Case        k;
  Dini        dini;
  Vec         v;
  Mat         A, J;
  PetscInt    n;
  PetscMPIInt rank, size;
  PetscBool   shell;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(type, DINISHELL, &shell));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(CaseCreate(type, &k));
  dini = k.l.dini;
  PetscCall(VecGetLocalSize(k.l.u, &n));
  PetscCall(MatDuplicate(k.l.A, MAT_COPY_VALUES, &J));
  for (int which = 0; which < (size > 1 ? 2 : 1); which++) {
    const PetscInt local = which ? (rank == size - 1 ? 7 : 0) : PETSC_DECIDE, global = which ? 7 : 9;

    /* a first state that is none must not fix the layout of the next: the very first solve of the object */
    PetscCall(VecCreateMPI(PETSC_COMM_WORLD, local, global, &v));
    PetscCall(VecSet(v, 1.0));
    if (!shell) DiniTestExpect(DiniSolve(dini, v), PETSC_ERR_ARG_SIZ, "The state u"); /* the shell's own solve leaks */
    DiniTestExpectAny(DiniAttach(dini, v), "");
    PetscCall(VecDestroy(&v));
    PetscCall(Serves(&k, "after a first state of a wrong layout"));
    PetscCall(Diagonal(which ? local : PETSC_DECIDE, n, global, 7, &A)); /* wrong rows */
    PetscCall(DiniSetParameterJacobian(dini, 0, A, Fill, &k.l));
    PetscCall(DiniSolve(dini, k.l.u));
    Refused(DiniVJP(dini, k.x, k.y), PETSC_ERR_ARG_SIZ, "F_m of parameter \"m\"");
    PetscCall(MatDestroy(&A));
    PetscCall(Diagonal(n, which ? local : PETSC_DECIDE, 7, global, &A)); /* wrong columns */
    PetscCall(DiniSetParameterJacobian(dini, 0, A, Fill, &k.l));
    Refused(DiniJVP(dini, k.x, k.y), PETSC_ERR_ARG_SIZ, "F_m of parameter \"m\"");
    PetscCall(MatDestroy(&A));
    PetscCall(DiniSetParameterJacobian(dini, 0, k.l.Fm, Fill, &k.l));
    PetscCall(Serves(&k, "after an F_m of a wrong layout"));
    PetscCall(Diagonal(local, local, global, global, &A));
    PetscCall(DiniSetJacobian(dini, A, NULL, NULL, NULL));
    PetscCall(DiniSolve(dini, k.l.u));
    Refused(DiniVJP(dini, k.x, k.y), PETSC_ERR_ARG_SIZ, "The Jacobian has");
    PetscCall(MatDestroy(&A));
    PetscCall(DiniSetJacobian(dini, J, NULL, Jacobian, &k.l));
    PetscCall(Serves(&k, "after a Jacobian of a wrong layout"));
    PetscCall(DiniReset(dini));
  }
  PetscCall(MatDestroy(&J));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A right-hand side that does not fit A, or a state that does not */
static PetscErrorCode TestSystem(void)
{
  Case k;
  Vec  b;

  PetscFunctionBeginUser;
  PetscCall(CaseCreate(DINIKSP, &k));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, PETSC_DECIDE, 9, &b));
  PetscCall(DiniSetLinearSystem(k.l.dini, b, NULL, NULL));
  Refused(DiniSolve(k.l.dini, k.l.u), PETSC_ERR_ARG_SIZ, "right-hand side b");
  PetscCall(VecSet(b, 1.0));
  Refused(DiniSolve(k.l.dini, b), PETSC_ERR_ARG_SIZ, "9");
  PetscCall(VecDestroy(&b));
  PetscCall(LinearAssemble(&k.l, k.l.A, k.l.b));
  PetscCall(DiniSetLinearSystem(k.l.dini, k.l.b, NULL, NULL));
  PetscCall(DiniSetParameterUpdate(k.l.dini, 0, NULL, NULL));
  PetscCall(DiniSetGuard(k.l.dini, PETSC_FALSE)); /* A and b belong to the application here: no differences */
  PetscCall(Serves(&k, "after a right-hand side of a wrong layout"));
  PetscCall(CaseDestroy(&k));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const DiniType types[] = {DINISNES, DINIKSP, DINISHELL};

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (int t = 0; t < 3; t++) {
    PetscCall(TestNumbers(types[t]));
    PetscCall(TestObjects(types[t]));
    PetscCall(TestLayouts(types[t]));
  }
  PetscCall(TestSystem());
  PetscCall(PetscFinalize());
  return 0;
}
