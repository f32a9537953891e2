static char help[] = "How does a rod buckle? Option prefix -buckling_.\n"
                     "  theta'' + m sin(theta) = 0 on (0, 1), theta' = 0 at both ends: the angle of a thin rod with "
                     "pinned ends under the load m.\n"
                     "  It stays straight until branches cross, at m = pi^2 and again at 4 pi^2. The program goes "
                     "along the straight rod, finds\n"
                     "  where it gives way, goes over to either arm of the branches that begin there, and follows "
                     "them; they are known in closed\n"
                     "  form.\n"
                     "  Try:  mpiexec -n 2 ./buckling -buckling_output buckling.txt\n\n";

#include <dini.h>
#include <petscdmda.h>

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif

typedef struct {
  DM          da; /* the middles of n cells */
  SNES        snes;
  Vec         u;
  PetscScalar m;
  PetscBool   writes;
  FILE       *output; /* of the first rank */
  Dini        dini;
  PetscInt    p;
} Rod;

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Rod               *rod = (Rod *)ctx;
  DMDALocalInfo      info;
  Vec                local;
  const PetscScalar *x;
  PetscScalar       *f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMDAGetLocalInfo(rod->da, &info));
  const PetscReal k = (PetscReal)info.mx * (PetscReal)info.mx;

  PetscCall(DMGetLocalVector(rod->da, &local));
  PetscCall(DMGlobalToLocal(rod->da, u, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(rod->da, local, (void *)&x));
  PetscCall(DMDAVecGetArray(rod->da, F, &f));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    const PetscScalar left = i > 0 ? x[i - 1] : x[i], right = i < info.mx - 1 ? x[i + 1] : x[i];

    f[i] = k * (left - 2.0 * x[i] + right) + rod->m * PetscSinScalar(x[i]);
  }
  PetscCall(DMDAVecRestoreArray(rod->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(rod->da, local, (void *)&x));
  PetscCall(DMRestoreLocalVector(rod->da, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Rod               *rod = (Rod *)ctx;
  DMDALocalInfo      info;
  const PetscScalar *x;

  PetscFunctionBeginUser;
  (void)snes, (void)J;
  PetscCall(DMDAGetLocalInfo(rod->da, &info));
  const PetscReal k = (PetscReal)info.mx * (PetscReal)info.mx;

  PetscCall(DMDAVecGetArrayRead(rod->da, u, (void *)&x));
  for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
    MatStencil  row = {0}, col[3];
    PetscScalar v[3];
    PetscInt    n = 1;

    row.i  = i;
    col[0] = row;
    v[0]   = rod->m * PetscCosScalar(x[i]);
    for (PetscInt d = -1; d <= 1; d += 2) {
      if (i + d < 0 || i + d >= info.mx) continue;
      col[n]   = row;
      col[n].i = i + d;
      v[n++]   = k;
      v[0] -= k;
    }
    PetscCall(MatSetValuesStencil(P, 1, &row, n, col, v, INSERT_VALUES));
  }
  PetscCall(DMDAVecRestoreArrayRead(rod->da, u, (void *)&x));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The angle at the end where x = 0, on every rank */
static PetscErrorCode End(Rod *rod, PetscReal *angle)
{
  PetscInt           lo, hi;
  const PetscScalar *x;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(rod->u, &lo, &hi));
  PetscCall(VecGetArrayRead(rod->u, &x));
  *angle = lo == 0 && hi > 0 ? PetscRealPart(x[0]) : 0.0;
  PetscCall(VecRestoreArrayRead(rod->u, &x));
  PetscCall(MPIU_Allreduce(MPI_IN_PLACE, angle, 1, MPIU_REAL, MPIU_SUM, PETSC_COMM_WORLD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* K(sin(angle / 2)), by the arithmetic-geometric mean */
static PetscReal Complete(PetscReal angle)
{
  PetscReal x = 1.0, y = PetscCosReal(0.5 * angle);

  for (int k = 0; k < 30; k++) {
    const PetscReal z = 0.5 * (x + y);

    y = PetscSqrtReal(x * y);
    x = z;
  }
  return 0.5 * PETSC_PI / x;
}

/* The angle at the end under the load m, buckled in so many half waves: sqrt(m) = 2 waves K(sin(angle / 2)) */
static PetscReal Exact(PetscReal m, PetscInt waves)
{
  PetscReal low = 0.0, high = PETSC_PI - 1e-9;

  for (int k = 0; k < 60; k++) {
    const PetscReal middle = 0.5 * (low + high);

    if (2.0 * (PetscReal)waves * Complete(middle) < PetscSqrtReal(m)) low = middle;
    else high = middle;
  }
  return low;
}

static PetscErrorCode Report(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx)
{
  Rod      *rod = (Rod *)ctx;
  PetscReal angle;

  PetscFunctionBeginUser;
  (void)dini, (void)u, (void)dudm, (void)fold;
  PetscCall(End(rod, &angle));
  if (rod->writes) PetscCall(PetscFPrintf(PETSC_COMM_WORLD, rod->output, "%.8g %.8g\n", (double)m, (double)angle));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The rod itself: x, y along it, by the angles of its cells */
static PetscErrorCode Shape(Rod *rod)
{
  PetscInt           n, N;
  PetscReal          part[2] = {0.0, 0.0}, before[2] = {0.0, 0.0};
  PetscMPIInt        rank;
  const PetscScalar *x;

  PetscFunctionBeginUser;
  if (!rod->writes) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(VecGetLocalSize(rod->u, &n));
  PetscCall(VecGetSize(rod->u, &N));
  PetscCall(VecGetArrayRead(rod->u, &x));
  for (PetscInt i = 0; i < n; i++) {
    part[0] += PetscCosReal(PetscRealPart(x[i])) / (PetscReal)N;
    part[1] += PetscSinReal(PetscRealPart(x[i])) / (PetscReal)N;
  }
  PetscCallMPI(MPI_Exscan(part, before, 2, MPIU_REAL, MPI_SUM, PETSC_COMM_WORLD));
  PetscCall(PetscFPrintf(PETSC_COMM_WORLD, rod->output, "\n\n# the rod at m = %g: x, y\n0 0\n",
                         (double)PetscRealPart(rod->m)));
  if (!rank) before[0] = before[1] = 0.0;
  for (PetscInt i = 0; i < n; i++) {
    before[0] += PetscCosReal(PetscRealPart(x[i])) / (PetscReal)N;
    before[1] += PetscSinReal(PetscRealPart(x[i])) / (PetscReal)N;
    PetscCall(
        PetscSynchronizedFPrintf(PETSC_COMM_WORLD, rod->output, "%.6g %.6g\n", (double)before[0], (double)before[1]));
  }
  PetscCall(PetscSynchronizedFlush(PETSC_COMM_WORLD, rod->output));
  PetscCall(VecRestoreArrayRead(rod->u, &x));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Along the straight rod from m to where it gives way in so many half waves */
static PetscErrorCode Straight(Rod *rod, PetscReal from, PetscReal to, PetscInt waves, PetscReal *load)
{
  DiniContinuationReason reason;
  const PetscReal        expected = PetscSqr(PETSC_PI * (PetscReal)waves);

  PetscFunctionBeginUser;
  if (rod->writes) PetscCall(PetscFPrintf(PETSC_COMM_WORLD, rod->output, "\n\n# straight: m, angle\n"));
  rod->m = from;
  PetscCall(VecSet(rod->u, 0.0));
  PetscCall(DiniContinue(rod->dini, rod->p, to, rod->u, load, &reason));
  PetscCheck(reason == DINI_CONTINUATION_BIFURCATION, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "The rod stays straight up to %g", (double)*load);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "gives way at m = %.6f, in %" PetscInt_FMT " half waves; Euler: %.6f\n",
                        (double)*load, waves, (double)expected));
  PetscCheck(PetscAbsReal(*load - expected) < 1e-3 * expected, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "That is not Euler's load");
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Over to one arm of the branch that begins there, and along it */
static PetscErrorCode Arm(Rod *rod, PetscReal load, PetscReal to, PetscInt waves, PetscInt side)
{
  DiniBifurcation        kind;
  DiniContinuationReason reason;
  PetscReal              angle, reached, exact = Exact(to, waves);

  PetscFunctionBeginUser;
  if (rod->writes)
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, rod->output, "\n\n# %" PetscInt_FMT " half waves: m, angle\n%.8g 0\n",
                           waves, (double)load));
  rod->m = load * (1.0 - 1e-5);
  PetscCall(VecSet(rod->u, 0.0));
  PetscCall(DiniSwitchBranch(rod->dini, rod->p, load, 0.0, side, rod->u, &kind));
  PetscCheck(kind == DINI_BIFURCATION_PITCHFORK, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "No pitchfork: %s",
             DiniBifurcations[kind]);
  PetscCall(DiniContinue(rod->dini, rod->p, to, rod->u, &reached, &reason));
  PetscCheck(reason == DINI_CONTINUATION_TARGET, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The arm ends at %g",
             (double)reached);
  PetscCall(End(rod, &angle));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "  side %2" PetscInt_FMT ", m = %g: angle %8.5f, in closed form +-%.5f\n",
                        side, (double)to, (double)angle, (double)exact));
  PetscCheck(PetscAbsReal(PetscAbsReal(angle) - exact) < 2e-3 * exact, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "The angle is not that of the closed form");
  PetscCall(Shape(rod));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Rod       rod = {0};
  Mat       J;
  KSP       ksp;
  PC        pc;
  PetscInt  n = 200;
  PetscReal load, angle[2];
  char      file[PETSC_MAX_PATH_LEN];

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-buckling_n", &n, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-buckling_output", file, sizeof(file), &rod.writes));
  if (rod.writes) PetscCall(PetscFOpen(PETSC_COMM_WORLD, file, "w", &rod.output));
  PetscCall(DMDACreate1d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, n, 1, 1, NULL, &rod.da));
  PetscCall(DMSetUp(rod.da));
  PetscCall(DMCreateGlobalVector(rod.da, &rod.u));
  PetscCall(DMCreateMatrix(rod.da, &J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &rod.snes));
  PetscCall(SNESSetDM(rod.snes, rod.da));
  PetscCall(SNESSetFunction(rod.snes, NULL, Residual, &rod));
  PetscCall(SNESSetJacobian(rod.snes, J, J, Jacobian, &rod));
  PetscCall(SNESGetKSP(rod.snes, &ksp));
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCREDUNDANT)); /* a few hundred unknowns, next to where J is singular */
  PetscCall(SNESSetFromOptions(rod.snes));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &rod.dini));
  PetscCall(DiniSetSNES(rod.dini, rod.snes));
  PetscCall(DiniAddScalarParameter(rod.dini, "m", &rod.m, &rod.p));
  PetscCall(DiniContinuationMonitorSet(rod.dini, Report, &rod));
  PetscCall(DiniSetFromOptions(rod.dini));
  for (PetscInt waves = 1; waves <= 2; waves++) {
    PetscCall(Straight(&rod, waves == 1 ? 1.0 : 1.1 * load, 60.0, waves, &load));
    for (PetscInt side = 1; side >= -1; side -= 2) {
      PetscCall(Arm(&rod, load, 60.0, waves, side));
      PetscCall(End(&rod, &angle[side > 0]));
    }
    PetscCheck(angle[0] * angle[1] < 0.0, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "Both sides lead to the same arm");
  }
  if (rod.writes) {
    PetscCall(PetscFClose(PETSC_COMM_WORLD, rod.output));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "written: %s\n", file));
  }
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "Euler's loads and the buckled rods: passed\n"));
  PetscCall(DiniDestroy(&rod.dini));
  PetscCall(SNESDestroy(&rod.snes));
  PetscCall(MatDestroy(&J));
  PetscCall(VecDestroy(&rod.u));
  PetscCall(DMDestroy(&rod.da));
  PetscCall(PetscFinalize());
  return 0;
}
