static char help[] = "Coloured differences without a pattern of the application's, on structured grids: DMDA.\n";

#include "support/spread.h"
#include <petscdmda.h>
#include <petscdmshell.h>

/* What a residual reads: the block at the points within reach, through the ghost points of `ghosts` */
typedef struct {
  DM        state, ghosts;
  PetscInt  reach;
  PetscBool star;
  PetscReal corner; /* weight of the corners; with star it is the application that reads too much */
} Stencil;

/* G_c(p) = sum over o of w(o, c) E(p + o): several unknowns of the state at a point, one of the block */
static PetscErrorCode SpreadDMDA(Vec E, Vec G, void *ctx)
{
  Stencil             *s = (Stencil *)ctx;
  DMDALocalInfo        info;
  Vec                  local;
  const PetscScalar ***e;
  PetscScalar       ***g;
  PetscInt             gx, gy, gm, gn;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(s->state, &info));
  PetscCall(DMDAGetGhostCorners(s->ghosts, &gx, &gy, NULL, &gm, &gn, NULL));
  PetscCall(DMGetLocalVector(s->ghosts, &local));
  PetscCall(DMGlobalToLocal(s->ghosts, E, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayDOFRead(s->ghosts, local, &e));
  PetscCall(DMDAVecGetArrayDOF(s->state, G, &g));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      for (PetscInt c = 0; c < info.dof; c++) {
        g[j][i][c] = 0.0;
        for (PetscInt dj = -s->reach; dj <= s->reach; dj++) {
          for (PetscInt di = -s->reach; di <= s->reach; di++) {
            const PetscInt  ii = i + di, jj = j + dj;
            const PetscReal w = di && dj ? s->corner : 1.0;

            if (ii < gx || ii >= gx + gm || jj < gy || jj >= gy + gn || w == 0.0) continue;
            g[j][i][c] += 0.02 * w * (PetscReal)(3 + di + 2 * dj + c) * e[jj][ii][0];
          }
        }
      }
    }
  }
  PetscCall(DMDAVecRestoreArrayDOF(s->state, G, &g));
  PetscCall(DMDAVecRestoreArrayDOFRead(s->ghosts, local, &e));
  PetscCall(DMRestoreLocalVector(s->ghosts, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Grid(PetscInt nx, PetscInt ny, PetscInt dof, PetscInt width, DMDAStencilType stencil,
                           DMBoundaryType boundary, DM *da)
{
  PetscFunctionBeginUser;
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, boundary, boundary, stencil, nx, ny, PETSC_DECIDE, PETSC_DECIDE, dof, width,
                         NULL, NULL, da));
  PetscCall(DMSetUp(*da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Vectors(DM state, DM block, Vec *u, Vec *m)
{
  PetscFunctionBeginUser;
  PetscCall(DMCreateGlobalVector(state, u));
  PetscCall(DMCreateGlobalVector(block, m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Create(DM state, DM block, Stencil *stencil, Spread *s)
{
  Vec u, m;

  PetscFunctionBeginUser;
  PetscCall(Vectors(state, block, &u, &m));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadDMDA, stencil, s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The block on the state's own grid, on a grid with other unknowns, with a wider stencil, on periodic grids */
static PetscErrorCode TestDMDA(PetscInt nx, PetscInt ny)
{
  const struct {
    const char     *what;
    PetscInt        dof, width, least, most;
    DMDAStencilType stencil;
    DMBoundaryType  boundary;
  } cases[] = {
      {"five points", 1, 1, 5, 13, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE},
      {"five points, three unknowns", 3, 1, 5, 13, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE},
      {"nine points, two unknowns", 2, 1, 9, 25, DMDA_STENCIL_BOX, DM_BOUNDARY_NONE},
      {"periodic", 2, 1, 5, 13, DMDA_STENCIL_STAR, DM_BOUNDARY_PERIODIC},
      {"the point itself", 3, 0, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE},
  };

  PetscFunctionBeginUser;
  for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
    DM       state, block;
    Stencil  stencil;
    Spread   s;
    PetscInt ncolors;

    PetscCall(Grid(nx, ny, cases[k].dof, 1, DMDA_STENCIL_STAR, cases[k].boundary, &state));
    PetscCall(Grid(nx, ny, 1, cases[k].width, cases[k].stencil, cases[k].boundary, &block));
    stencil.state  = state;
    stencil.ghosts = block;
    stencil.reach  = cases[k].width;
    stencil.corner = cases[k].stencil == DMDA_STENCIL_BOX ? 0.5 : 0.0;
    PetscCall(Create(state, block, &stencil, &s));
    PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
    PetscCall(SpreadCheck(&s, 1e-8, cases[k].what));
    PetscCall(SpreadColors(&s, &ncolors));
    DiniTestTrue(ncolors <= cases[k].most, "%s: %" PetscInt_FMT " colours", cases[k].what, ncolors);
    if (nx > 4) DiniTestTrue(ncolors >= cases[k].least, "%s: %" PetscInt_FMT " colours", cases[k].what, ncolors);
    PetscCall(SpreadDestroy(&s));
    PetscCall(DMDestroy(&state));
    PetscCall(DMDestroy(&block));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing given: dense columns while they are few, the pattern of the DMs above the bound, and the view tells */
static PetscErrorCode TestDefault(void)
{
  const char       *expected[] = {DINIPARAMETERFD, DINIPARAMETERCOLORING};
  DM                da;
  Stencil           stencil = {NULL, NULL, 1, PETSC_TRUE, 0.0};
  Spread            s;
  DiniParameterType type;
  PetscBool         same;
  PetscViewer       viewer;
  char              text[8192];

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(Grid(8 + k, 8, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &da));
    stencil.state = stencil.ghosts = da;
    PetscCall(Create(da, da, &stencil, &s));
    PetscCall(SpreadCheck(&s, 1e-8, expected[k]));
    PetscCall(DiniGetParameterType(s.dini, 0, &type));
    PetscCall(PetscStrcmp(type, expected[k], &same));
    DiniTestTrue(same, "%d parameters are of type %s, expected %s", 64 + 8 * k, type, expected[k]);
    PetscCall(DiniTestTextOpen(&viewer));
    PetscCall(DiniView(s.dini, viewer));
    PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
    if (k) PetscCall(DiniTestTextHas(text, "colors on the DMs' pattern"));
    PetscCall(SpreadDestroy(&s));
    PetscCall(DMDestroy(&da));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The residual reads the corners that the block's DM does not give: through a DM of its own, which has them. */
static PetscErrorCode TestTooSmall(void)
{
  const char *words[] = {"is not dF/dm", "is too small"};

  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) { /* diagonal: one colour, all rows have it; five points: a corner's colour is a stray */
    DM      state, block, ghosts;
    Stencil stencil;
    Spread  s;
    Vec     ubar, mbar;

    PetscCall(Grid(7, 8, 1, 1, DMDA_STENCIL_BOX, DM_BOUNDARY_NONE, &state));
    PetscCall(Grid(7, 8, 1, k, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &block));
    PetscCall(Grid(7, 8, 1, 1, DMDA_STENCIL_BOX, DM_BOUNDARY_NONE, &ghosts));
    stencil.state  = state;
    stencil.ghosts = ghosts;
    stencil.reach  = 1;
    stencil.corner = 0.5;
    PetscCall(Create(state, block, &stencil, &s));
    PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniTestVec(s.u, 43, &ubar));
    PetscCall(VecDuplicate(s.m, &mbar));
    DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, words[k]);
    DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, words[k]); /* not only once */
    /* the way out that needs no pattern */
    PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERFD));
    PetscCall(SpreadCheck(&s, 1e-8, "dense columns after a pattern that was too small"));
    PetscCall(VecDestroy(&ubar));
    PetscCall(VecDestroy(&mbar));
    PetscCall(SpreadDestroy(&s));
    PetscCall(DMDestroy(&state));
    PetscCall(DMDestroy(&block));
    PetscCall(DMDestroy(&ghosts));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The pattern fits at the first point, which the guard sees, and no longer at the second, as after a change of upwinding. */
static PetscErrorCode TestTooSmallLater(void)
{
  DM      state, block, ghosts;
  Stencil stencil;
  Spread  s;
  Vec     ubar, mbar;

  PetscFunctionBeginUser;
  PetscCall(Grid(7, 8, 1, 1, DMDA_STENCIL_BOX, DM_BOUNDARY_NONE, &state));
  PetscCall(Grid(7, 8, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &block));
  PetscCall(Grid(7, 8, 1, 1, DMDA_STENCIL_BOX, DM_BOUNDARY_NONE, &ghosts));
  stencil.state  = state;
  stencil.ghosts = ghosts;
  stencil.reach  = 1;
  stencil.corner = 0.0;
  PetscCall(Create(state, block, &stencil, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(SpreadCheck(&s, 1e-8, "five points"));
  PetscCall(DiniTestVec(s.u, 43, &ubar));
  PetscCall(VecDuplicate(s.m, &mbar));
  for (int k = 0; k < 3; k++) { /* each kind of difference sees it, and even a weak dependence */
    const DiniDifference differences[] = {DINI_DIFFERENCE_CENTRAL, DINI_DIFFERENCE_FORWARD, DINI_DIFFERENCE_CENTRAL};

    stencil.corner = 0.0;
    PetscCall(DiniSetParameterDifference(s.dini, 0, differences[k], PETSC_DEFAULT));
    PetscCall(DiniSolve(s.dini, s.u));
    PetscCall(DiniVJP(s.dini, ubar, mbar));
    stencil.corner = k < 2 ? 0.5 : 1e-5;
    PetscCall(DiniSolve(s.dini, s.u));
    DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ARG_WRONG, "is too small");
  }
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(SpreadDestroy(&s));
  PetscCall(DMDestroy(&state));
  PetscCall(DMDestroy(&block));
  PetscCall(DMDestroy(&ghosts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* G_i = E_i / 2, between vectors of one layout that know nothing of each other */
static PetscErrorCode SpreadHalf(Vec E, Vec G, void *ctx)
{
  PetscFunctionBeginUser;
  (void)ctx;
  PetscCall(VecCopy(E, G));
  PetscCall(VecScale(G, 0.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A coarser grid, no DM, or a Vec that is not its DM's: refused with the reason and the ways out; a VecSetDM() is one. */
static PetscErrorCode TestUnrelated(void)
{
  DM     da, coarse;
  Vec    u, m, ubar, mbar;
  Spread s;

  PetscFunctionBeginUser;
  PetscCall(Grid(9, 8, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &da));
  PetscCall(Grid(8, 9, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &coarse));
  PetscCall(DMCreateGlobalVector(da, &u));
  PetscCall(VecCreate(PETSC_COMM_WORLD, &m));
  {
    PetscInt n, N;

    PetscCall(VecGetLocalSize(u, &n));
    PetscCall(VecGetSize(u, &N));
    PetscCall(VecSetSizes(m, n, N));
  }
  PetscCall(VecSetFromOptions(m));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadHalf, NULL, &s));
  PetscCall(DiniTestVec(s.u, 43, &ubar));
  PetscCall(DiniTestVec(s.m, 44, &mbar));
  PetscCall(DiniSolve(s.dini, s.u));
  /* 72 columns and no relation: tangents by directions, as ever, and no adjoint */
  PetscCall(DiniJVP(s.dini, mbar, ubar));
  DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_SUP, "from which a pattern follows");
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ORDER, "its Vec has no DM");
  DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ORDER, "DiniSetParameterJacobian()");
  PetscCall(VecSetDM(m, coarse));
  {
    PetscMPIInt size;

    PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
    if (size == 1) DiniTestExpect(DiniVJP(s.dini, ubar, mbar), PETSC_ERR_ORDER, "differ in grid");
    else DiniTestExpectAny(DiniVJP(s.dini, ubar, mbar), "none follows from the DMs");
  }
  PetscCall(VecSetDM(m, da));
  PetscCall(SpreadCheck(&s, 1e-8, "after VecSetDM()"));
  PetscCall(VecSetDM(m, NULL));
  PetscCall(SpreadDestroy(&s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DMDestroy(&da));
  PetscCall(DMDestroy(&coarse));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* A state on another DM has another pattern; a state of another layout is refused. */
static PetscErrorCode TestNewDM(void)
{
  DM      da, none, larger;
  Stencil stencil;
  Spread  s;
  Mat     before, after;
  Vec     u, v, w;

  PetscFunctionBeginUser;
  PetscCall(Grid(8, 8, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &da));
  PetscCall(Grid(8, 8, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &none));
  PetscCall(Grid(8, 9, 1, 1, DMDA_STENCIL_STAR, DM_BOUNDARY_NONE, &larger));
  stencil.state = stencil.ghosts = da;
  stencil.reach                  = 1;
  stencil.corner                 = 0.0;
  PetscCall(Create(da, da, &stencil, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(SpreadCheck(&s, 1e-8, "first DM"));
  PetscCall(DiniGetParameterJacobian(s.dini, 0, &before));
  PetscCall(PetscObjectReference((PetscObject)before));
  u = s.u;
  PetscCall(DMCreateGlobalVector(none, &v));
  s.u = v;
  PetscCall(SpreadCheck(&s, 1e-8, "second DM"));
  PetscCall(DiniGetParameterJacobian(s.dini, 0, &after));
  DiniTestTrue(before != after, "The pattern of one DM was kept for another");
  PetscCall(MatDestroy(&before));
  PetscCall(DMCreateGlobalVector(larger, &w));
  DiniTestExpectAny(DiniSolve(s.dini, w), "the state of the first solve");
  s.u = u;
  PetscCall(SpreadCheck(&s, 1e-8, "the first DM again"));
  PetscCall(VecDestroy(&v));
  PetscCall(VecDestroy(&w));
  PetscCall(SpreadDestroy(&s));
  PetscCall(DMDestroy(&da));
  PetscCall(DMDestroy(&none));
  PetscCall(DMDestroy(&larger));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One DM of another type for both: what its own matrices couple. The application's matrix is left alone. */
static PetscErrorCode TestShell(void)
{
  DM       shell;
  Vec      u, m;
  Mat      A;
  PetscInt first, last;
  Spread   s;

  PetscFunctionBeginUser;
  PetscCall(VecCreate(PETSC_COMM_WORLD, &u));
  PetscCall(VecSetSizes(u, PETSC_DECIDE, 7));
  PetscCall(VecSetFromOptions(u));
  PetscCall(VecDuplicate(u, &m));
  PetscCall(VecGetOwnershipRange(u, &first, &last));
  PetscCall(MatCreateAIJ(PETSC_COMM_WORLD, last - first, last - first, 7, 7, 1, NULL, 0, NULL, &A));
  for (PetscInt i = first; i < last; i++) PetscCall(MatSetValue(A, i, i, 3.0, INSERT_VALUES));
  PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  PetscCall(DMShellCreate(PETSC_COMM_WORLD, &shell));
  PetscCall(DMShellSetGlobalVector(shell, u));
  PetscCall(DMShellSetMatrix(shell, A));
  PetscCall(VecSetDM(u, shell));
  PetscCall(VecSetDM(m, shell));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadHalf, NULL, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(SpreadCheck(&s, 1e-8, "DMShell"));
  {
    Vec         d;
    PetscScalar sum;

    PetscCall(VecDuplicate(u, &d));
    PetscCall(MatGetDiagonal(A, d));
    PetscCall(VecSum(d, &sum));
    DiniTestClose(PetscRealPart(sum), 21.0, 0.0, 0.0, "the application's own matrix");
    PetscCall(VecDestroy(&d));
  }
  PetscCall(VecSetDM(u, NULL));
  PetscCall(VecSetDM(m, NULL));
  PetscCall(SpreadDestroy(&s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(MatDestroy(&A));
  PetscCall(DMDestroy(&shell));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(TestDMDA(9, 8));
  PetscCall(TestDMDA(4, 4)); /* one point wide on some ranks */
  PetscCall(TestDefault());
  PetscCall(TestTooSmall());
  PetscCall(TestTooSmallLater());
  PetscCall(TestUnrelated());
  PetscCall(TestNewDM());
  PetscCall(TestShell());
  PetscCall(PetscFinalize());
  return 0;
}
