static char help[] =
    "What a VJP waits for: calls of MPI that all ranks take part in, counted beneath MPI, against the adjoint that an expert would\n\
write by hand with the same Krylov method, preconditioner and number of iterations. The preconditioner comes from the command line.\n";

#include "support/fixtures.h"
#include "support/collectives.h"

#define POINTS 5
#define CALLS  5
#define BEYOND 3  /* of a later VJP at a point: before the solve, its true residual, after it */
#define FIRST  16 /* of the first one, which also asks whether u solves F(u, m) = 0, and takes J and F_m */

typedef struct {
  Transport t;
  KSP       ksp; /* of the adjoint by hand */
  Vec       g, lambda, mbar;
} Bench;

/* A Vec of no DM: PETSc makes a duplicate for each product with a Hermitian transpose, and a DM's waits for all ranks */
static PetscErrorCode Plain(Vec *v)
{
  PetscInt n;
  Vec      plain;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(*v, &n));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, n, PETSC_DETERMINE, &plain));
  PetscCall(VecCopy(*v, plain));
  PetscCall(VecDestroy(v));
  *v = plain;
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchCreate(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(TransportCreate(17, 13, &b->t));
  PetscCall(Plain(&b->t.u));
  PetscCall(TransportDini(&b->t, DINIPARAMETERMATRIX));
  PetscCall(DiniTestVec(b->t.u, 1, &b->g));
  PetscCall(VecDuplicate(b->t.u, &b->lambda));
  PetscCall(VecDuplicate(b->t.m, &b->mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode BenchDestroy(Bench *b)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&b->ksp));
  PetscCall(VecDestroy(&b->g));
  PetscCall(VecDestroy(&b->lambda));
  PetscCall(VecDestroy(&b->mbar));
  PetscCall(TransportDestroy(&b->t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J^T lambda = g with the forward preconditioner, mbar = -F_m^T lambda; so many iterations, whatever comes of them */
static PetscErrorCode ByHand(Bench *b, PetscInt its, int *reductions)
{
  const Collectives before = CollectivesCount();

  PetscFunctionBeginUser;
  PetscCall(KSPSetTolerances(b->ksp, 1e-300, 1e-300, PETSC_DEFAULT, its));
  PetscCall(KSPSolveTranspose(b->ksp, b->g, b->lambda));
  PetscCall(MatMultTranspose(b->t.Fm, b->lambda, b->mbar));
  PetscCall(VecScale(b->mbar, -1.0));
  *reductions = CollectivesCount().reductions - before.reductions;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J and F_m at a new point, and a KSP for them; what that alone waits for */
static PetscErrorCode ByHandFirst(Bench *b, KSPType type, int *reductions)
{
  const Collectives before = CollectivesCount();
  KSP               forward;
  PC                pc;
  int               with, without;

  PetscFunctionBeginUser;
  PetscCall(TransportJacobian(&b->t, b->t.u, b->t.J));
  PetscCall(TransportFill(&b->t, b->t.u, b->t.m, b->t.Fm));
  PetscCall(SNESGetKSP(b->t.snes, &forward));
  PetscCall(KSPGetPC(forward, &pc));
  PetscCall(KSPDestroy(&b->ksp));
  PetscCall(KSPCreate(PETSC_COMM_WORLD, &b->ksp));
  PetscCall(KSPSetType(b->ksp, type));
  PetscCall(KSPSetOperators(b->ksp, b->t.J, b->t.J));
  PetscCall(KSPSetPC(b->ksp, pc));
  PetscCall(KSPSetReusePreconditioner(b->ksp, PETSC_TRUE));
  PetscCall(ByHand(b, 1, &with));
  *reductions = CollectivesCount().reductions - before.reductions;
  PetscCall(ByHand(b, 1, &without));
  *reductions -= without;
  PetscCall(KSPSetReusePreconditioner(b->ksp, PETSC_FALSE)); /* the flag is the preconditioner's, which is shared */
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One VJP of another cotangent, and what it waits for beyond the hand-written one */
static PetscErrorCode Beyond(Bench *b, int *beyond, int *scans)
{
  Collectives    before;
  DiniStatistics was, is;
  int            reductions, hand;

  PetscFunctionBeginUser;
  PetscCall(VecScale(b->g, 1.1));
  PetscCall(VecShift(b->g, 0.3));
  PetscCall(DiniGetStatistics(b->t.dini, &was));
  before = CollectivesCount();
  PetscCall(DiniVJP(b->t.dini, b->g, b->mbar));
  reductions = CollectivesCount().reductions - before.reductions;
  *scans     = CollectivesCount().scans - before.scans;
  PetscCall(DiniGetStatistics(b->t.dini, &is));
  PetscCall(KSPSetReusePreconditioner(b->ksp, PETSC_TRUE));
  for (int twice = 0; twice < 2; twice++) /* vectors that GMRES makes as it goes are there the second time */
    PetscCall(ByHand(b, is.adjoint_iterations - was.adjoint_iterations, &hand));
  PetscCall(KSPSetReusePreconditioner(b->ksp, PETSC_FALSE));
  *beyond = reductions - hand;
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Bench   b = {0};
  KSP     ksp;
  KSPType type  = NULL;
  int     first = 0, beyond, scans, calm = 1000;

  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  if (PetscDefined(USE_DEBUG)) { /* where PETSc itself reduces what it checks */
    PetscCall(PetscFinalize());
    return DINI_TEST_SKIPPED;
  }
  PetscCall(BenchCreate(&b));
  PetscCall(DiniSolve(b.t.dini, b.t.u));
  PetscCall(DiniVJP(b.t.dini, b.g,
                    b.mbar)); /* the guards look at everything given, once for the object, and the KSP is chosen */
  PetscCall(DiniGetAdjointKSP(b.t.dini, &ksp));
  PetscCall(KSPGetType(ksp, &type));
  for (PetscInt k = 0; k < POINTS; k++) {
    int later = 0;

    PetscCall(VecShift(b.t.m, 0.05));
    PetscCall(DiniSolve(b.t.dini, b.t.u));
    PetscCall(ByHandFirst(&b, type, &first));
    PetscCall(Beyond(&b, &beyond, &scans));
    DiniTestCount(scans, 0, "scans over the ranks in the first VJP of a point");
    calm = PetscMin(calm, beyond - first);
    for (PetscInt j = 1; j < CALLS; j++) {
      PetscCall(Beyond(&b, &beyond, &scans));
      DiniTestTrue(beyond >= BEYOND, "%d reductions beyond the Krylov method: they are not counted", beyond);
      DiniTestCount(scans, 0, "scans over the ranks in a later VJP");
      if (beyond == BEYOND) later++;
    }
    /* one of them may measure what the gradient is good to, at the second call of a kind, the eighth ... */
    DiniTestTrue(later >= CALLS - 2,
                 "Only %d of %d later VJPs make no more than %d reductions beyond the Krylov method", later, CALLS - 1,
                 BEYOND);
  }
  /* at some of the points everything given is asked again, or what the gradient is good to is measured */
  DiniTestTrue(calm <= FIRST,
               "The first VJP of a point makes %d reductions beyond those for J, F_m and a Krylov method", calm);
  PetscCall(BenchDestroy(&b));
  PetscCall(PetscFinalize());
  return 0;
}
