static char help[] = "DiniCheck() passes what is right, and names what is wrong.\n";

#include "support/fixtures.h"

/* Runs the check; the verdict is in text and in the recorded messages. */
static PetscErrorCode Check(Dini dini, char text[], size_t size, PetscErrorCode *ierr)
{
  PetscViewer viewer;
  size_t      n;

  PetscFunctionBeginUser;
  PetscCall(DiniTestTextOpen(&viewer));
  PetscCall(DiniTestCatch());
  *ierr = DiniCheck(dini, viewer);
  PetscCall(DiniTestRelease());
  PetscCall(DiniTestTextClose(&viewer, text, size));
  PetscCall(PetscStrlen(text, &n));
  DiniTestTrue(n > 0 || *ierr, "DiniCheck() prints nothing");
  PetscCall(PetscStrlcat(text, DiniTestMessages(), size));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectPass(Dini dini, const char what[])
{
  char           text[16384];
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(Check(dini, text, sizeof(text), &ierr));
  DiniTestTrue(!ierr, "%s: the check fails with %d:\n%s", what, (int)ierr, text);
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ExpectFail(Dini dini, const char what[], const char words[])
{
  char           text[16384];
  int            failed, all;
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(Check(dini, text, sizeof(text), &ierr));
  failed = ierr != 0;
  PetscCallMPI(MPI_Allreduce(&failed, &all, 1, MPI_INT, MPI_MIN, PETSC_COMM_WORLD));
  DiniTestTrue(all, "%s: the check does not notice:\n%s", what, text);
  PetscCall(DiniTestTextHas(text, words));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A table that a user can read: each test by name, with its orders. */
static PetscErrorCode TestRight(void)
{
  Transport      t;
  PetscInt       p;
  PetscErrorCode ierr;
  char           text[16384];
  PetscReal      before, after;
  DiniStatistics s;
  Vec            ubar, mbar, mbar_ref;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniAddScalarParameter(t.dini, "peclet", &t.peclet, &p));
  PetscCall(DiniSetParameterAffine(t.dini, p, PETSC_TRUE));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(Check(t.dini, text, sizeof(text), &ierr));
  DiniTestTrue(!ierr, "The check of right derivatives fails with %d:\n%s", (int)ierr, text);
  PetscCall(DiniTestTextHas(text, "log_k"));
  PetscCall(DiniTestTextHas(text, "peclet"));
  PetscCall(DiniTestTextHas(text, "order"));
  /* the object is as it was: derivatives at the same point, without another solve */
  PetscCall(DiniTestVec(t.u, 1, &ubar));
  PetscCall(DiniCreateParameterVec(t.dini, &mbar));
  PetscCall(DiniGetStatistics(t.dini, &s));
  p = s.forward_solves;
  PetscCall(DiniVJP(t.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(t.dini, &s));
  DiniTestCount(s.forward_solves, p, "forward solves after a check");
  {
    Vec part;

    PetscCall(VecDuplicate(t.m, &mbar_ref));
    PetscCall(TransportReferenceVJP(&t, ubar, mbar_ref));
    PetscCall(DiniGetParameterSubVec(t.dini, mbar, t.p, &part));
    PetscCall(DiniTestVecsClose(part, mbar_ref, 1e-8, "VJP after a check"));
    PetscCall(DiniRestoreParameterSubVec(t.dini, mbar, t.p, &part));
    PetscCall(VecDestroy(&mbar_ref));
  }
  /* with an objective, the reduced gradient is checked as well */
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(TransportObjective(t.dini, t.u, &before, &t));
  PetscCall(Check(t.dini, text, sizeof(text), &ierr));
  DiniTestTrue(!ierr, "The check of a right gradient fails with %d:\n%s", (int)ierr, text);
  PetscCall(DiniTestTextHas(text, "gradient"));
  PetscCall(TransportObjective(t.dini, t.u, &after, &t));
  DiniTestClose(before, after, 1e-9, 0.0, "objective before and after a check");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Every type passes, and every kind. */
static PetscErrorCode TestAllRight(void)
{
  const DiniType          types[] = {DINIKSP, DINISNES, DINISHELL};
  const DiniParameterType kinds[] = {DINIPARAMETERMATRIX, DINIPARAMETERCOLORING, DINIPARAMETERFD};
  Cubic                   c;

  PetscFunctionBeginUser;
  for (int t = 0; t < 3; t++) {
    for (int k = 0; k < (t ? 1 : 3); k++) { /* each type, and each kind once */
      Linear l;

      PetscCall(LinearCreate(10, &l));
      PetscCall(LinearDini(&l, types[t], kinds[k]));
      PetscCall(DiniSolve(l.dini, l.u));
      PetscCall(ExpectPass(l.dini, types[t]));
      PetscCall(LinearDestroy(&l));
    }
  }
  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETEROPERATOR));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectPass(c.dini, "operator"));
  PetscCall(CubicDestroy(&c));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode WrongAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  (void)ctx;
  PetscCall(VecCopy(x, y)); /* the sign is lost */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode RightApply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)u;
  (void)m;
  (void)ctx;
  PetscCall(VecCopy(x, y));
  PetscCall(VecScale(y, -1.0));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* With and without the guards, which catch most of these before the check proper. */
static PetscErrorCode TestWrong(PetscBool guard)
{
  Cubic     c;
  Transport t;

  PetscFunctionBeginUser;
  /* J off on its diagonal: Newton still converges, linearly */
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSetGuard(c.dini, guard));
  PetscCall(DiniSetJacobianType(c.dini, DINI_JACOBIAN_GIVEN));
  c.jacobian = FAULT_WRONG;
  PetscCall(SNESSetTolerances(c.snes, 1e-13, 1e-13, 0.0, 200, 5000));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectFail(c.dini, "wrong Jacobian", "J v"));
  c.jacobian = FAULT_NONE;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectPass(c.dini, "mended Jacobian"));
  /* the default puts differences in its place, unless the guard that finds it out is off */
  PetscCall(DiniSetJacobianType(c.dini, DINI_JACOBIAN_AUTO));
  c.jacobian = FAULT_WRONG;
  PetscCall(DiniSolve(c.dini, c.u));
  if (guard) PetscCall(ExpectPass(c.dini, "Jacobian by differences"));
  else PetscCall(ExpectFail(c.dini, "wrong Jacobian", "J v"));
  PetscCall(CubicDestroy(&c));

  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(c.dini, guard));
  c.fill = FAULT_WRONG;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectFail(c.dini, "wrong F_m", "\"m\""));
  c.fill = FAULT_NONE;
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectPass(c.dini, "mended F_m"));
  PetscCall(CubicDestroy(&c));

  PetscCall(CubicCreate(9, DiniTestScalar(0.5, 0.3), &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETEROPERATOR));
  PetscCall(DiniSetGuard(c.dini, guard));
  PetscCall(DiniSetParameterOperator(c.dini, c.p, RightApply, WrongAdjoint, NULL));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(ExpectFail(c.dini, "wrong adjoint of F_m", "VJP"));
  PetscCall(CubicDestroy(&c));

  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(t.dini, guard));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  t.objective = FAULT_WRONG;
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(ExpectFail(t.dini, "wrong objective gradient", "gradient"));
  t.objective = FAULT_NONE;
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(ExpectPass(t.dini, "mended objective gradient"));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A forward solve at rtol 1e-2 cannot carry a Taylor test; the verdict blames the solve, not the derivatives. */
static PetscErrorCode TestLoose(void)
{
  Transport      t;
  char           text[16384];
  PetscErrorCode ierr;

  PetscFunctionBeginUser;
  PetscCall(TransportCreate(7, 6, &t));
  PetscCall(TransportDini(&t, DINIPARAMETERMATRIX));
  PetscCall(DiniSetState(t.dini, t.u));
  PetscCall(DiniSetObjective(t.dini, TransportObjective, TransportObjectiveGradient, &t));
  PetscCall(SNESSetTolerances(t.snes, 0.0, 1e-2, 0.0, 50, 1000));
  PetscCall(DiniSolve(t.dini, t.u));
  PetscCall(Check(t.dini, text, sizeof(text), &ierr));
  PetscCall(DiniTestTextHas(text, "too loose"));
  PetscCall(TransportDestroy(&t));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* -dini_check runs it once, at the first derivative. */
static PetscErrorCode TestOption(void)
{
  const char     options[] = "-dini_check ascii:/dev/null";
  Cubic          c;
  Vec            ubar, mbar, expected;
  DiniStatistics once, twice;

  PetscFunctionBeginUser;
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniTestVec(c.u, 2, &ubar));
  PetscCall(DiniTestVec(c.u, 2, &expected));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(VecScale(expected, 0.25));
  PetscCall(DiniTestVecsClose(mbar, expected, 1e-9, "VJP with -dini_check"));
  PetscCall(DiniGetStatistics(c.dini, &once));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(DiniGetStatistics(c.dini, &twice));
  DiniTestCount(twice.residuals, once.residuals, "residuals of a second VJP with -dini_check");
  DiniTestCount(twice.forward_solves, once.forward_solves, "forward solves of a second VJP with -dini_check");
  PetscCall(CubicDestroy(&c));
  /* and it stops a wrong derivative before anyone sees it */
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERMATRIX));
  PetscCall(DiniSetGuard(c.dini, PETSC_FALSE));
  c.fill = FAULT_WRONG;
  PetscCall(DiniSolve(c.dini, c.u));
  DiniTestExpectAny(DiniVJP(c.dini, ubar, mbar), "m");
  PetscCall(CubicDestroy(&c));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(VecDestroy(&expected));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The report is text: a viewer that takes none is refused before anything is computed, and one that names a file writes it. */
static PetscErrorCode TestViewers(void)
{
  char        options[64], name[32];
  Cubic       c;
  Vec         ubar, mbar;
  PetscViewer viewer;
  PetscBool   written;
  PetscMPIInt rank, size;

  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  PetscCall(PetscSNPrintf(name, sizeof(name), "t500.%d.txt", (int)size));
  PetscCall(PetscSNPrintf(options, sizeof(options), "-dini_check ascii:%s", name));
  PetscCall(DiniTestOptionsSet(options));
  PetscCall(CubicCreate(9, 0.0, &c));
  PetscCall(CubicDini(&c, DINISNES, DINIPARAMETERRHS));
  PetscCall(DiniSolve(c.dini, c.u));
  PetscCall(PetscViewerCreate(PETSC_COMM_WORLD, &viewer));
  PetscCall(PetscViewerSetType(viewer, PETSCVIEWERBINARY));
  DiniTestExpect(DiniCheck(c.dini, viewer), PETSC_ERR_SUP, "this viewer is of type binary: hand it an ASCII viewer");
  PetscCall(PetscViewerDestroy(&viewer));
  PetscCall(DiniTestVec(c.u, 2, &ubar));
  PetscCall(VecDuplicate(c.m, &mbar));
  PetscCall(DiniVJP(c.dini, ubar, mbar));
  PetscCall(CubicDestroy(&c));
  PetscCall(PetscTestFile(name, 'r', &written));
  PetscCheck(written, PETSC_COMM_SELF, PETSC_ERR_PLIB, "%s has written no file", options);
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) (void)remove(name);
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DiniTestOptionsClear(options));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestRight());
  PetscCall(TestAllRight());
  PetscCall(TestWrong(PETSC_TRUE));
  PetscCall(TestWrong(PETSC_FALSE));
  PetscCall(TestLoose());
  PetscCall(TestOption());
  PetscCall(TestViewers());
  PetscCall(PetscFinalize());
  return 0;
}
