static char help[] = "Boundary data as parameters: rows u - g, and values eliminated from the rows beside them.\n";

#include "support/fixtures.h"

/*
  4 u - sum of neighbours + Pe/2 (u_E - u_W) + s u^3 = f at the inner points of a grid, u = g at its outer ones, whose rows
  are u - g. Rows: inner rows read u of their outer neighbours. Eliminated: they read g.
*/
typedef enum { ROWS, ELIMINATED } Style;

typedef struct {
  Style       style;
  PetscInt    nx, ny, nouter;
  DM          da;
  PetscScalar peclet, cubic;
  Vec u, f, g, field; /* g: the outer points alone, in natural order; field: g on the grid, as the residual reads */
  VecScatter scatter; /* g -> field */
  Mat        J, Fg;
  SNES       snes;
  Dini       dini;
} Plate;

static PetscBool Outer(const Plate *p, PetscInt i, PetscInt j)
{
  return (PetscBool)(i == 0 || j == 0 || i == p->nx - 1 || j == p->ny - 1);
}

/* Number of an outer point among the outer points, in natural order */
static PetscInt OuterNumber(const Plate *p, PetscInt i, PetscInt j)
{
  if (j == 0) return i;
  if (j == p->ny - 1) return p->nx + 2 * (p->ny - 2) + i;
  return p->nx + 2 * (j - 1) + (i == 0 ? 0 : 1);
}

typedef enum { WANT_F, WANT_J, WANT_FG } Want;

static const PetscInt DI[4] = {-1, 1, 0, 0}, DJ[4] = {0, 0, -1, 1};

/*
  One row of J or F_g: the weight of each neighbour is that of u or g, by style. `here` points into the global numbers of
  the local points, at the number of this one.
*/
static PetscErrorCode SetRow(Plate *p, Want want, PetscInt i, PetscInt j, const PetscInt here[], PetscInt stride,
                             PetscScalar u, Mat A)
{
  const PetscBool   eliminated = (PetscBool)(p->style == ELIMINATED);
  const PetscScalar weight[4]  = {-1.0 - 0.5 * p->peclet, -1.0 + 0.5 * p->peclet, -1.0, -1.0};

  PetscFunctionBeginUser;
  if (Outer(p, i, j)) {
    if (want == WANT_J) PetscCall(MatSetValue(A, here[0], here[0], 1.0, INSERT_VALUES));
    else PetscCall(MatSetValue(A, here[0], OuterNumber(p, i, j), -1.0, INSERT_VALUES));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (want == WANT_J) PetscCall(MatSetValue(A, here[0], here[0], 4.0 + 3.0 * p->cubic * u * u, INSERT_VALUES));
  for (PetscInt k = 0; k < 4; k++) {
    const PetscInt  in = i + DI[k], jn = j + DJ[k];
    const PetscBool known = (PetscBool)(eliminated && Outer(p, in, jn));

    if (want == WANT_J && !known)
      PetscCall(MatSetValue(A, here[0], here[DI[k] + stride * DJ[k]], weight[k], INSERT_VALUES));
    if (want == WANT_FG && known) PetscCall(MatSetValue(A, here[0], OuterNumber(p, in, jn), weight[k], INSERT_VALUES));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscScalar Row(const Plate *p, PetscInt i, PetscInt j, PetscScalar **u, PetscScalar **g, PetscScalar **f)
{
  PetscScalar F, v[4];

  if (Outer(p, i, j)) return u[j][i] - g[j][i];
  F = 4.0 * u[j][i] + p->cubic * u[j][i] * u[j][i] * u[j][i] - f[j][i];
  for (PetscInt k = 0; k < 4; k++) {
    const PetscInt in = i + DI[k], jn = j + DJ[k];

    v[k] = p->style == ELIMINATED && Outer(p, in, jn) ? g[jn][in] : u[jn][in];
    F -= v[k];
  }
  return F + 0.5 * p->peclet * (v[1] - v[0]);
}

static PetscErrorCode Sweep(Plate *p, Vec u, Want want, Vec F, Mat A)
{
  DMDALocalInfo          info;
  ISLocalToGlobalMapping ltog;
  const PetscInt        *rows;
  Vec                    ul, gl;
  PetscScalar          **ua, **ga, **fa, **Fa = NULL;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(p->da, &info));
  PetscCall(DMGetLocalToGlobalMapping(p->da, &ltog));
  PetscCall(ISLocalToGlobalMappingGetIndices(ltog, &rows));
  PetscCall(DMGetLocalVector(p->da, &ul));
  PetscCall(DMGetLocalVector(p->da, &gl));
  PetscCall(DMGlobalToLocal(p->da, u, INSERT_VALUES, ul));
  PetscCall(DMGlobalToLocal(p->da, p->field, INSERT_VALUES, gl));
  PetscCall(DMDAVecGetArrayRead(p->da, ul, &ua));
  PetscCall(DMDAVecGetArrayRead(p->da, gl, &ga));
  PetscCall(DMDAVecGetArrayRead(p->da, p->f, &fa));
  if (want == WANT_F) PetscCall(DMDAVecGetArray(p->da, F, &Fa));
  else PetscCall(MatZeroEntries(A));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscInt row = (j - info.gys) * info.gxm + i - info.gxs;

      if (want == WANT_F) Fa[j][i] = Row(p, i, j, ua, ga, fa);
      else PetscCall(SetRow(p, want, i, j, rows + row, info.gxm, ua[j][i], A));
    }
  }
  if (want == WANT_F) PetscCall(DMDAVecRestoreArray(p->da, F, &Fa));
  else {
    PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  }
  PetscCall(DMDAVecRestoreArrayRead(p->da, p->f, &fa));
  PetscCall(DMDAVecRestoreArrayRead(p->da, gl, &ga));
  PetscCall(DMDAVecRestoreArrayRead(p->da, ul, &ua));
  PetscCall(DMRestoreLocalVector(p->da, &gl));
  PetscCall(DMRestoreLocalVector(p->da, &ul));
  PetscCall(ISLocalToGlobalMappingRestoreIndices(ltog, &rows));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Sweep((Plate *)ctx, u, WANT_F, F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(Sweep((Plate *)ctx, u, WANT_J, NULL, P));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec g, Mat Fg, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)g;
  PetscCall(Sweep((Plate *)ctx, u, WANT_FG, NULL, Fg));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Push(Dini dini, Vec g, void *ctx)
{
  Plate *p = (Plate *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecScatterBegin(p->scatter, g, p->field, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(p->scatter, g, p->field, INSERT_VALUES, SCATTER_FORWARD));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Where each outer point that this rank owns in g is on the grid */
static PetscErrorCode CreateScatter(Plate *p)
{
  AO       ao;
  IS       to;
  PetscInt first, last, *points;

  PetscFunctionBeginUser;
  PetscCall(VecGetOwnershipRange(p->g, &first, &last));
  PetscCall(PetscMalloc1(last - first, &points));
  for (PetscInt j = 0; j < p->ny; j++) {
    for (PetscInt i = 0; i < p->nx; i++) {
      const PetscInt k = OuterNumber(p, i, j);

      if (Outer(p, i, j) && k >= first && k < last) points[k - first] = j * p->nx + i;
    }
  }
  PetscCall(DMDAGetAO(p->da, &ao));
  PetscCall(AOApplicationToPetsc(ao, last - first, points));
  PetscCall(ISCreateGeneral(PETSC_COMM_WORLD, last - first, points, PETSC_OWN_POINTER, &to));
  PetscCall(VecScatterCreate(p->g, NULL, p->field, to, &p->scatter));
  PetscCall(ISDestroy(&to));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g in even parts, or all of it on rank 0, so that the others own nothing */
static PetscErrorCode PlateCreate(PetscInt nx, PetscInt ny, Style style, PetscBool gathered, Plate *p)
{
  PetscMPIInt rank;
  PetscInt    nu, ng;

  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(p, sizeof(*p)));
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  p->style  = style;
  p->nx     = nx;
  p->ny     = ny;
  p->nouter = 2 * nx + 2 * (ny - 2);
  p->peclet = DiniTestScalar(0.6, 0.1);
  p->cubic  = DiniTestScalar(0.8, -0.2);
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, nx, ny, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &p->da));
  PetscCall(DMSetUp(p->da));
  PetscCall(DMCreateGlobalVector(p->da, &p->u));
  PetscCall(DiniTestVec(p->u, 11, &p->f));
  PetscCall(VecDuplicate(p->u, &p->field));
  PetscCall(VecSet(p->field, 0.0));
  PetscCall(VecCreateMPI(PETSC_COMM_WORLD, gathered ? (rank ? 0 : p->nouter) : PETSC_DECIDE, p->nouter, &p->g));
  PetscCall(DiniTestFill(p->g, 12));
  PetscCall(CreateScatter(p));
  PetscCall(VecGetLocalSize(p->u, &nu));
  PetscCall(VecGetLocalSize(p->g, &ng));
  PetscCall(DMCreateMatrix(p->da, &p->J));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, nu, ng, nx * ny, p->nouter, 4, NULL, 4, NULL, &p->Fg));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &p->snes));
  PetscCall(SNESSetDM(p->snes, p->da));
  PetscCall(SNESSetFunction(p->snes, NULL, Residual, p));
  PetscCall(SNESSetJacobian(p->snes, p->J, p->J, Jacobian, p));
  PetscCall(SNESSetTolerances(p->snes, 1e-13, 1e-13, 0.0, 50, 1000));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &p->dini));
  PetscCall(DiniSetSNES(p->dini, p->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode PlateDestroy(Plate *p)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&p->dini));
  PetscCall(SNESDestroy(&p->snes));
  PetscCall(MatDestroy(&p->J));
  PetscCall(MatDestroy(&p->Fg));
  PetscCall(VecScatterDestroy(&p->scatter));
  PetscCall(VecDestroy(&p->u));
  PetscCall(VecDestroy(&p->f));
  PetscCall(VecDestroy(&p->g));
  PetscCall(VecDestroy(&p->field));
  PetscCall(DMDestroy(&p->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* du and mbar of this style and kind, checked against dense factorisations, and that du = dg at the outer points */
static PetscErrorCode Derivatives(Plate *p, const char what[], Vec du, Vec gbar)
{
  Vec dg, ubar, du_ref, gbar_ref, moved;
  Mat Fg;

  PetscFunctionBeginUser;
  PetscCall(DiniTestVec(p->g, 21, &dg));
  PetscCall(DiniTestVec(p->u, 22, &ubar));
  PetscCall(VecDuplicate(p->u, &du_ref));
  PetscCall(VecDuplicate(p->g, &gbar_ref));
  PetscCall(VecDuplicate(p->g, &moved));
  PetscCall(VecSet(p->u, 0.0));
  PetscCall(DiniSolve(p->dini, p->u));
  PetscCall(DiniJVP(p->dini, dg, du));
  PetscCall(DiniVJP(p->dini, ubar, gbar));
  PetscCall(MatDuplicate(p->Fg, MAT_DO_NOT_COPY_VALUES, &Fg));
  PetscCall(Sweep(p, p->u, WANT_FG, NULL, Fg));
  PetscCall(Sweep(p, p->u, WANT_J, NULL, p->J));
  PetscCall(DiniTestReferenceJVP(p->J, Fg, dg, du_ref));
  PetscCall(DiniTestReferenceVJP(p->J, Fg, ubar, gbar_ref));
  PetscCall(DiniTestVecsClose(du, du_ref, 1e-8, what));
  PetscCall(DiniTestVecsClose(gbar, gbar_ref, 1e-8, what));
  PetscCall(VecScatterBegin(p->scatter, du, moved, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(VecScatterEnd(p->scatter, du, moved, INSERT_VALUES, SCATTER_REVERSE));
  PetscCall(DiniTestVecsClose(moved, dg, 1e-9, "du = dg on the boundary"));
  PetscCall(MatDestroy(&Fg));
  PetscCall(VecDestroy(&dg));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&du_ref));
  PetscCall(VecDestroy(&gbar_ref));
  PetscCall(VecDestroy(&moved));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Each style with F_g from each provider; and since u(g) is one function, all give the same derivatives. */
static PetscErrorCode TestStyles(PetscInt nx, PetscInt ny, PetscBool gathered)
{
  const char *kinds[] = {DINIPARAMETERMATRIX, DINIPARAMETERCOLORING, DINIPARAMETERFD};
  Vec         du = NULL, gbar = NULL, du1, gbar1;

  PetscFunctionBeginUser;
  for (int style = 0; style < 2; style++) {
    for (int k = 0; k < 3; k++) {
      Plate p;

      PetscCall(PlateCreate(nx, ny, (Style)style, gathered, &p));
      PetscCall(DiniAddParameter(p.dini, "g", p.g, NULL));
      PetscCall(DiniSetParameterUpdate(p.dini, 0, Push, &p));
      PetscCall(DiniSetParameterAffine(p.dini, 0, PETSC_TRUE));
      if (k == 1) PetscCall(Sweep(&p, p.u, WANT_FG, NULL, p.Fg)); /* for its pattern */
      if (k < 2) PetscCall(DiniSetParameterJacobian(p.dini, 0, p.Fg, k ? NULL : Fill, &p));
      PetscCall(DiniSetParameterType(p.dini, 0, kinds[k]));
      PetscCall(VecDuplicate(p.u, &du1));
      PetscCall(VecDuplicate(p.g, &gbar1));
      if (k != 1) PetscCall(Sweep(&p, p.u, WANT_FG, NULL, p.Fg));
      PetscCall(Derivatives(&p, kinds[k], du1, gbar1));
      if (du) {
        PetscCall(DiniTestVecsClose(du1, du, 1e-8, "tangents of the two styles"));
        PetscCall(DiniTestVecsClose(gbar1, gbar, 1e-8, "adjoints of the two styles"));
        PetscCall(VecDestroy(&du1));
        PetscCall(VecDestroy(&gbar1));
      } else {
        du   = du1;
        gbar = gbar1;
      }
      PetscCall(PlateDestroy(&p));
    }
  }
  PetscCall(VecDestroy(&du));
  PetscCall(VecDestroy(&gbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole field as the block, of which the residual reads the outer points: the inner entries have no influence. */
static PetscErrorCode TestField(PetscInt nx, PetscInt ny)
{
  Plate p;
  Vec   ubar, mbar, gbar, gbar_ref;
  Mat   Fg;

  PetscFunctionBeginUser;
  for (int style = 0; style < 2; style++) {
    PetscReal all, outer;

    PetscCall(PlateCreate(nx, ny, (Style)style, PETSC_FALSE, &p));
    PetscCall(Push(NULL, p.g, &p));
    PetscCall(DiniAddParameter(p.dini, "field", p.field, NULL));
    PetscCall(DiniSetParameterType(p.dini, 0, DINIPARAMETERCOLORING)); /* the pattern is that of the DMs */
    PetscCall(DiniTestVec(p.u, 23, &ubar));
    PetscCall(VecDuplicate(p.field, &mbar));
    PetscCall(VecDuplicate(p.g, &gbar));
    PetscCall(VecDuplicate(p.g, &gbar_ref));
    PetscCall(DiniSolve(p.dini, p.u));
    PetscCall(DiniVJP(p.dini, ubar, mbar));
    PetscCall(VecScatterBegin(p.scatter, mbar, gbar, INSERT_VALUES, SCATTER_REVERSE));
    PetscCall(VecScatterEnd(p.scatter, mbar, gbar, INSERT_VALUES, SCATTER_REVERSE));
    PetscCall(MatDuplicate(p.Fg, MAT_DO_NOT_COPY_VALUES, &Fg));
    PetscCall(Sweep(&p, p.u, WANT_FG, NULL, Fg));
    PetscCall(Sweep(&p, p.u, WANT_J, NULL, p.J));
    PetscCall(DiniTestReferenceVJP(p.J, Fg, ubar, gbar_ref));
    PetscCall(DiniTestVecsClose(gbar, gbar_ref, 1e-7, "adjoint of a field read at its outer points"));
    PetscCall(VecNorm(mbar, NORM_1, &all));
    PetscCall(VecNorm(gbar, NORM_1, &outer));
    DiniTestClose(all, outer, 1e-12, 0.0, "inner points have no influence");
    PetscCall(MatDestroy(&Fg));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(VecDestroy(&gbar));
    PetscCall(VecDestroy(&gbar_ref));
    PetscCall(PlateDestroy(&p));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pattern of the rows alone, where the inner rows read g, too: one of the two styles taken for the other */
static PetscErrorCode TestWrongStyle(void)
{
  Plate p;
  Vec   ubar, gbar;

  PetscFunctionBeginUser;
  PetscCall(PlateCreate(6, 5, ELIMINATED, PETSC_FALSE, &p));
  p.style = ROWS;
  PetscCall(Sweep(&p, p.u, WANT_FG, NULL, p.Fg));
  p.style = ELIMINATED;
  PetscCall(DiniAddParameter(p.dini, "g", p.g, NULL));
  PetscCall(DiniSetParameterUpdate(p.dini, 0, Push, &p));
  PetscCall(DiniSetParameterJacobian(p.dini, 0, p.Fg, NULL, NULL));
  PetscCall(DiniTestVec(p.u, 24, &ubar));
  PetscCall(VecDuplicate(p.g, &gbar));
  PetscCall(DiniSolve(p.dini, p.u));
  DiniTestExpect(DiniVJP(p.dini, ubar, gbar), PETSC_ERR_ARG_WRONG, "is too small");
  PetscCall(DiniSetParameterType(p.dini, 0, DINIPARAMETERMATRIX)); /* the values of the other style, as a constant */
  DiniTestExpect(DiniVJP(p.dini, ubar, gbar), PETSC_ERR_ARG_WRONG, "is not dF/dm");
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&gbar));
  PetscCall(PlateDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestStyles(6, 5, PETSC_FALSE));
  PetscCall(TestStyles(6, 5, PETSC_TRUE));
  PetscCall(TestStyles(4, 4, PETSC_TRUE));
  PetscCall(TestField(6, 5));
  PetscCall(TestWrongStyle());
  PetscCall(PetscFinalize());
  return 0;
}
