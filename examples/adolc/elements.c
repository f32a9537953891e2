/* One sweep over the triangles of this rank serves residual, matrices and products; the kernel knows all derivatives. */
#include "elements.h"
#include "kernel.h"

typedef enum { RESIDUAL, JACOBIAN, PARAMETER, TANGENT, ADJOINT } Want;

PetscErrorCode ElementsCreate(MPI_Comm comm, Elements *e)
{
  PetscFunctionBeginUser;
  KernelTape();
  PetscCall(DMDACreate2d(comm, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_BOX, 11, 9, PETSC_DECIDE, PETSC_DECIDE,
                         1, 1, NULL, NULL, &e->da));
  PetscCall(DMDASetElementType(e->da, DMDA_ELEMENT_P1));
  PetscCall(DMSetFromOptions(e->da));
  PetscCall(DMSetUp(e->da));
  PetscCall(DMDASetUniformCoordinates(e->da, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0));
  PetscCall(DMCreateGlobalVector(e->da, &e->m));
  PetscCall(VecSet(e->m, 0.5));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsDestroy(Elements *e)
{
  PetscFunctionBeginUser;
  PetscCall(VecDestroy(&e->m));
  PetscCall(DMDestroy(&e->da));
  PetscFunctionReturn(0);
}

static void Geometry(const DMDACoor2d *const x[3], double g[KERNEL_GEOMETRY])
{
  const double twice = (x[1]->x - x[0]->x) * (x[2]->y - x[0]->y) - (x[2]->x - x[0]->x) * (x[1]->y - x[0]->y);

  for (int i = 0; i < 3; i++) {
    const DMDACoor2d *a = x[(i + 1) % 3], *b = x[(i + 2) % 3];

    g[i]     = (a->y - b->y) / twice;
    g[3 + i] = (b->x - a->x) / twice;
  }
  g[6] = 0.5 * twice;
  g[7] = 20.0;
}

static PetscBool OnBoundary(const DMDALocalInfo *info, PetscInt local)
{
  const PetscInt i = info->gxs + local % info->gxm, j = info->gys + local / info->gxm;

  return (PetscBool)(i == 0 || j == 0 || i == info->mx - 1 || j == info->my - 1);
}

/* What one triangle adds: to out, or to A. Rows of boundary nodes are not the kernel's. */
static PetscErrorCode AddElement(const DMDALocalInfo *info, Want want, const PetscInt node[3], const double x[],
                                 const double g[], const double in[], double out[], Mat A)
{
  double   J[KERNEL_NODES][KERNEL_INPUTS] = {{0.0}}, values[9];
  double   inputs[KERNEL_INPUTS] = {0.0}, results[KERNEL_INPUTS] = {0.0};
  PetscInt rows[3];
  int      taped = 0;

  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) rows[i] = OnBoundary(info, node[i]) ? -1 : node[i];
  if (want == RESIDUAL) KernelResidual(x, g, results);
  if (want == JACOBIAN || want == PARAMETER) taped = KernelJacobian(x, g, J);
  if (want == TANGENT) {
    for (int i = 0; i < 3; i++) inputs[3 + i] = in[node[i]];
    taped = KernelTangent(x, g, inputs, results);
  }
  if (want == ADJOINT) {
    for (int i = 0; i < 3; i++) inputs[i] = rows[i] < 0 ? 0.0 : in[node[i]];
    taped = KernelAdjoint(x, g, inputs, results);
  }
  PetscCheck(taped >= 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "ADOL-C's tape does not fit this element (code %d)", taped);
  if (want == JACOBIAN || want == PARAMETER) {
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) values[3 * i + j] = J[i][want == PARAMETER ? 3 + j : j];
    PetscCall(MatSetValuesLocal(A, 3, rows, 3, node, values, ADD_VALUES));
  } else if (want == ADJOINT) {
    for (int i = 0; i < 3; i++) out[node[i]] += results[3 + i];
  } else {
    for (int i = 0; i < 3; i++)
      if (rows[i] >= 0) out[node[i]] += results[i];
  }
  PetscFunctionReturn(0);
}

/* out or A = the sum over the elements; `in` is the vector that F_m or its transpose is applied to */
static PetscErrorCode Sweep(Elements *e, Vec u, Want want, Vec in, Vec out, Mat A)
{
  DMDALocalInfo      info;
  DM                 cda;
  Vec                local[4], coordinates;
  const PetscScalar *ua, *ma, *ia;
  const DMDACoor2d  *nodes;
  PetscScalar       *oa;
  PetscInt           n, corners;
  const PetscInt    *elements;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(e->da, &info));
  for (int k = 0; k < 4; k++) PetscCall(DMGetLocalVector(e->da, &local[k]));
  PetscCall(DMGlobalToLocal(e->da, u, INSERT_VALUES, local[0]));
  PetscCall(DMGlobalToLocal(e->da, e->m, INSERT_VALUES, local[1]));
  if (in) PetscCall(DMGlobalToLocal(e->da, in, INSERT_VALUES, local[2]));
  PetscCall(VecSet(local[3], 0.0));
  if (A) PetscCall(MatZeroEntries(A));
  PetscCall(DMGetCoordinateDM(e->da, &cda));
  PetscCall(DMGetCoordinatesLocal(e->da, &coordinates));
  PetscCall(VecGetArrayRead(coordinates, (const PetscScalar **)&nodes));
  PetscCall(VecGetArrayRead(local[0], &ua));
  PetscCall(VecGetArrayRead(local[1], &ma));
  PetscCall(VecGetArrayRead(local[2], &ia));
  PetscCall(VecGetArray(local[3], &oa));
  PetscCall(DMDAGetElements(e->da, &n, &corners, &elements));
  for (PetscInt k = 0; k < n; k++) {
    const PetscInt         *node  = elements + (size_t)3 * (size_t)k;
    const DMDACoor2d *const at[3] = {nodes + node[0], nodes + node[1], nodes + node[2]};
    const double            x[]   = {ua[node[0]], ua[node[1]], ua[node[2]], ma[node[0]], ma[node[1]], ma[node[2]]};
    double                  g[KERNEL_GEOMETRY];

    Geometry(at, g);
    PetscCall(AddElement(&info, want, node, x, g, ia, oa, A));
  }
  PetscCall(DMDARestoreElements(e->da, &n, &corners, &elements));
  PetscCall(VecRestoreArray(local[3], &oa));
  PetscCall(VecRestoreArrayRead(local[2], &ia));
  PetscCall(VecRestoreArrayRead(local[1], &ma));
  PetscCall(VecRestoreArrayRead(local[0], &ua));
  PetscCall(VecRestoreArrayRead(coordinates, (const PetscScalar **)&nodes));
  if (out) {
    PetscCall(VecSet(out, 0.0));
    PetscCall(DMLocalToGlobal(e->da, local[3], ADD_VALUES, out));
  }
  for (int k = 0; k < 4; k++) PetscCall(DMRestoreLocalVector(e->da, &local[k]));
  PetscFunctionReturn(0);
}

/* Boundary rows: F = u, or 1 on the diagonal of J */
static PetscErrorCode Boundary(Elements *e, Vec u, Vec F, Mat J)
{
  DMDALocalInfo info;
  PetscScalar **ua, **Fa = NULL;

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(e->da, &info));
  PetscCall(DMDAVecGetArrayRead(e->da, u, &ua));
  if (F) PetscCall(DMDAVecGetArray(e->da, F, &Fa));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscInt local = (j - info.gys) * info.gxm + i - info.gxs;

      if (!OnBoundary(&info, local)) continue;
      if (F) Fa[j][i] = ua[j][i];
      else PetscCall(MatSetValueLocal(J, local, local, 1.0, ADD_VALUES));
    }
  }
  if (F) PetscCall(DMDAVecRestoreArray(e->da, F, &Fa));
  PetscCall(DMDAVecRestoreArrayRead(e->da, u, &ua));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsResidual(SNES snes, Vec u, Vec F, void *ctx)
{
  Elements *e = (Elements *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(Sweep(e, u, RESIDUAL, NULL, F, NULL));
  PetscCall(Boundary(e, u, F, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsJacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  Elements *e = (Elements *)ctx;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(Sweep(e, u, JACOBIAN, NULL, NULL, P));
  PetscCall(Boundary(e, u, NULL, P));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsFill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)m; /* the sweep reads it by itself */
  PetscCall(Sweep((Elements *)ctx, u, PARAMETER, NULL, NULL, Fm));
  PetscCall(MatAssemblyBegin(Fm, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(Fm, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsApply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  PetscCall(Sweep((Elements *)ctx, u, TANGENT, x, y, NULL));
  PetscFunctionReturn(0);
}

PetscErrorCode ElementsApplyAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  (void)m;
  PetscCall(Sweep((Elements *)ctx, u, ADJOINT, x, y, NULL));
  PetscFunctionReturn(0);
}
