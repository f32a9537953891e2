static char help[] = "Coloured differences without a pattern of the application's, on unstructured meshes: DMPlex.\n";

#include "support/spread.h"
#include <petscdmplex.h>

#if PETSC_VERSION_LT(3, 22, 0)
  #define BoxMesh(comm, faces, dm) DMPlexCreateBoxMesh(comm, 2, PETSC_FALSE, faces, NULL, NULL, NULL, PETSC_TRUE, dm)
#else
  #define BoxMesh(comm, faces, dm)                                                                                     \
    DMPlexCreateBoxMesh(comm, 2, PETSC_FALSE, faces, NULL, NULL, NULL, PETSC_TRUE, 0, PETSC_TRUE, dm)
#endif

typedef struct {
  DM        state, block;
  PetscBool volumes; /* finite volumes: a cell reads its neighbours; else finite elements: a cell couples its closure */
} Mesh;

/* nx x ny quadrilaterals, split in order so that a mesh of few cells leaves some ranks without any */
static PetscErrorCode MeshCreate(PetscInt nx, PetscInt ny, PetscBool volumes, DM *dm)
{
  const PetscInt   faces[2] = {nx, ny};
  PetscPartitioner part;
  DM               distributed;

  PetscFunctionBeginUser;
  PetscCall(BoxMesh(PETSC_COMM_WORLD, faces, dm));
  PetscCall(DMSetBasicAdjacency(*dm, volumes, volumes ? PETSC_FALSE : PETSC_TRUE));
  PetscCall(DMPlexGetPartitioner(*dm, &part));
  PetscCall(PetscPartitionerSetType(part, PETSCPARTITIONERSIMPLE));
  PetscCall(DMPlexDistribute(*dm, volumes ? 1 : 0, NULL, &distributed));
  if (distributed) {
    PetscCall(DMDestroy(dm));
    *dm = distributed;
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* dof[d] unknowns at each point of depth d; with constrain, one of those at a point with a single support is fixed */
static PetscErrorCode Section(DM dm, const PetscInt dof[], PetscBool constrain)
{
  PetscSection section;
  PetscInt     start, end;

  PetscFunctionBeginUser;
  PetscCall(PetscSectionCreate(PETSC_COMM_WORLD, &section));
  PetscCall(DMPlexGetChart(dm, &start, &end));
  PetscCall(PetscSectionSetChart(section, start, end));
  for (PetscInt d = 0; d < 3; d++) {
    PetscInt first, last;

    PetscCall(DMPlexGetDepthStratum(dm, d, &first, &last));
    for (PetscInt p = first; p < last; p++) PetscCall(PetscSectionSetDof(section, p, dof[d]));
    /* the first vertex of the mesh as each rank numbers it would differ: constrain by place, at x = 0 and x = 1 */
    for (PetscInt p = first; p < last && constrain && d == 0; p++) {
      const PetscScalar *x;
      Vec                coordinates;
      PetscSection       cs;
      PetscInt           offset;

      PetscCall(DMGetCoordinatesLocal(dm, &coordinates));
      PetscCall(DMGetCoordinateSection(dm, &cs));
      PetscCall(PetscSectionGetOffset(cs, p, &offset));
      PetscCall(VecGetArrayRead(coordinates, &x));
      if (PetscAbsReal(PetscRealPart(x[offset]) - 0.5) > 0.499) PetscCall(PetscSectionSetConstraintDof(section, p, 1));
      PetscCall(VecRestoreArrayRead(coordinates, &x));
    }
  }
  PetscCall(PetscSectionSetUp(section));
  for (PetscInt p = start; p < end; p++) {
    const PetscInt which = 0;
    PetscInt       n;

    PetscCall(PetscSectionGetConstraintDof(section, p, &n));
    if (n) PetscCall(PetscSectionSetConstraintIndices(section, p, &which));
  }
  PetscCall(DMSetLocalSection(dm, section));
  PetscCall(PetscSectionDestroy(&section));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* g at p += weight * the sum of e at q */
static PetscErrorCode Couple(Mesh *mesh, PetscInt p, PetscInt q, PetscReal weight, const PetscScalar e[],
                             PetscScalar g[])
{
  PetscSection rows, cols;
  PetscInt     nrows, ncols, row, col;

  PetscFunctionBeginUser;
  PetscCall(DMGetLocalSection(mesh->state, &rows));
  PetscCall(DMGetLocalSection(mesh->block, &cols));
  PetscCall(PetscSectionGetDof(rows, p, &nrows));
  PetscCall(PetscSectionGetDof(cols, q, &ncols));
  PetscCall(PetscSectionGetOffset(rows, p, &row));
  PetscCall(PetscSectionGetOffset(cols, q, &col));
  for (PetscInt i = 0; i < nrows; i++)
    for (PetscInt j = 0; j < ncols; j++) g[row + i] += weight * (PetscReal)(1 + i) * e[col + j];
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode CoupleCell(Mesh *mesh, PetscInt cell, const PetscScalar e[], PetscScalar g[])
{
  PetscInt *closure = NULL, n;

  PetscFunctionBeginUser;
  PetscCall(DMPlexGetTransitiveClosure(mesh->state, cell, PETSC_TRUE, &n, &closure));
  if (mesh->volumes) {
    PetscInt        nfaces, nsupport;
    const PetscInt *faces, *support;

    for (PetscInt k = 0; k < 2 * n; k += 2) PetscCall(Couple(mesh, cell, closure[k], 0.01 * (2.0 + k), e, g));
    PetscCall(DMPlexGetConeSize(mesh->state, cell, &nfaces));
    PetscCall(DMPlexGetCone(mesh->state, cell, &faces));
    for (PetscInt f = 0; f < nfaces; f++) {
      PetscCall(DMPlexGetSupportSize(mesh->state, faces[f], &nsupport));
      PetscCall(DMPlexGetSupport(mesh->state, faces[f], &support));
      for (PetscInt k = 0; k < nsupport; k++)
        if (support[k] != cell) PetscCall(Couple(mesh, cell, support[k], 0.02 * (2.0 + f), e, g));
    }
  } else {
    for (PetscInt k = 0; k < 2 * n; k += 2)
      for (PetscInt l = 0; l < 2 * n; l += 2)
        PetscCall(Couple(mesh, closure[k], closure[l], 0.01 * (1.0 + 0.5 * k + l), e, g));
  }
  PetscCall(DMPlexRestoreTransitiveClosure(mesh->state, cell, PETSC_TRUE, &n, &closure));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode SpreadMesh(Vec E, Vec G, void *ctx)
{
  Mesh              *mesh = (Mesh *)ctx;
  Vec                el, gl;
  const PetscScalar *e;
  PetscScalar       *g;
  PetscInt           first, last;

  PetscFunctionBeginUser;
  PetscCall(DMGetLocalVector(mesh->block, &el));
  PetscCall(DMGetLocalVector(mesh->state, &gl));
  PetscCall(VecSet(el, 0.0));
  PetscCall(VecSet(gl, 0.0));
  PetscCall(DMGlobalToLocal(mesh->block, E, INSERT_VALUES, el));
  PetscCall(VecGetArrayRead(el, &e));
  PetscCall(VecGetArray(gl, &g));
  PetscCall(DMPlexGetHeightStratum(mesh->state, 0, &first, &last));
  for (PetscInt c = first; c < last; c++) PetscCall(CoupleCell(mesh, c, e, g));
  PetscCall(VecRestoreArray(gl, &g));
  PetscCall(VecRestoreArrayRead(el, &e));
  PetscCall(VecSet(G, 0.0));
  PetscCall(DMLocalToGlobal(mesh->state, gl, mesh->volumes ? INSERT_VALUES : ADD_VALUES, G));
  PetscCall(DMRestoreLocalVector(mesh->block, &el));
  PetscCall(DMRestoreLocalVector(mesh->state, &gl));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  const char *what;
  PetscBool   volumes, constrain;
  PetscInt    state[3], block[3]; /* unknowns at vertices, edges, cells */
} Case;

static PetscErrorCode TestMesh(const Case *c, PetscInt nx, PetscInt ny)
{
  Mesh     mesh;
  Spread   s;
  Vec      u, m;
  PetscInt N, ncolors;

  PetscFunctionBeginUser;
  mesh.volumes = c->volumes;
  PetscCall(MeshCreate(nx, ny, c->volumes, &mesh.state));
  PetscCall(DMClone(mesh.state, &mesh.block));
  PetscCall(Section(mesh.state, c->state, c->constrain));
  PetscCall(Section(mesh.block, c->block, PETSC_FALSE));
  PetscCall(DMCreateGlobalVector(mesh.state, &u));
  PetscCall(DMCreateGlobalVector(mesh.block, &m));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadMesh, &mesh, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(SpreadCheck(&s, 1e-8, c->what));
  PetscCall(SpreadColors(&s, &ncolors));
  PetscCall(VecGetSize(m, &N));
  DiniTestTrue(nx < 7 || ncolors < N / 2, "%s: %" PetscInt_FMT " colours for %" PetscInt_FMT " columns", c->what,
               ncolors, N);
  PetscCall(SpreadDestroy(&s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(DMDestroy(&mesh.state));
  PetscCall(DMDestroy(&mesh.block));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Another mesh of as many unknowns says nothing of this one. */
static PetscErrorCode TestUnrelated(void)
{
  const PetscInt dof[3] = {1, 0, 0};
  Mesh           mesh;
  Spread         s;
  Vec            u, m, foreign, ubar, mbar;
  DM             other;

  PetscFunctionBeginUser;
  mesh.volumes = PETSC_FALSE;
  PetscCall(MeshCreate(3, 2, PETSC_FALSE, &mesh.state));
  PetscCall(MeshCreate(2, 3, PETSC_FALSE, &other));
  PetscCall(DMClone(mesh.state, &mesh.block));
  PetscCall(Section(mesh.state, dof, PETSC_FALSE));
  PetscCall(Section(mesh.block, dof, PETSC_FALSE));
  PetscCall(Section(other, dof, PETSC_FALSE));
  PetscCall(DMCreateGlobalVector(mesh.state, &u));
  PetscCall(DMCreateGlobalVector(mesh.block, &m));
  PetscCall(DMCreateGlobalVector(other, &foreign));
  PetscCall(SpreadCreate(u, m, PETSC_FALSE, SpreadMesh, &mesh, &s));
  PetscCall(DiniSetParameterType(s.dini, 0, DINIPARAMETERCOLORING));
  PetscCall(VecSetDM(m, other));
  PetscCall(DiniTestVec(u, 43, &ubar));
  PetscCall(VecDuplicate(m, &mbar));
  PetscCall(DiniSolve(s.dini, u));
  DiniTestExpectAny(DiniVJP(s.dini, ubar, mbar), "none follows from the DMs");
  PetscCall(VecSetDM(m, mesh.block));
  PetscCall(SpreadCheck(&s, 1e-8, "after VecSetDM()"));
  PetscCall(SpreadDestroy(&s));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&m));
  PetscCall(VecDestroy(&foreign));
  PetscCall(VecDestroy(&ubar));
  PetscCall(VecDestroy(&mbar));
  PetscCall(DMDestroy(&mesh.state));
  PetscCall(DMDestroy(&mesh.block));
  PetscCall(DMDestroy(&other));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const Case cases[] = {
      {"vertices and cells", PETSC_FALSE, PETSC_FALSE, {1, 0, 0}, {0, 0, 1}},
      {"two at a vertex, one fixed, and cells", PETSC_FALSE, PETSC_TRUE, {2, 0, 0}, {0, 0, 1}},
      {"vertices and vertices", PETSC_FALSE, PETSC_FALSE, {1, 0, 0}, {1, 0, 0}},
      {"quadratic elements and edges", PETSC_FALSE, PETSC_FALSE, {1, 1, 1}, {0, 1, 0}},
      {"cells and vertices", PETSC_FALSE, PETSC_FALSE, {0, 0, 1}, {1, 0, 0}},
      {"volumes and volumes", PETSC_TRUE, PETSC_FALSE, {0, 0, 2}, {0, 0, 1}},
      {"volumes and faces", PETSC_TRUE, PETSC_FALSE, {0, 0, 1}, {0, 1, 0}},
  };

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < sizeof(cases) / sizeof(*cases); k++) {
    PetscCall(TestMesh(&cases[k], 7, 6));
    PetscCall(TestMesh(&cases[k], 2, 1)); /* two cells: some ranks own nothing */
  }
  PetscCall(TestUnrelated());
  PetscCall(PetscFinalize());
  return 0;
}
