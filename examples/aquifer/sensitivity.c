/* Derivatives of the residual F = A(m) h - b(m, hb) with respect to m and hb, and their adjoints, by the stencil.

   With t = c T of the face between i and k, and every sum over the four neighbours k of i:
     F_i          = sum t (h_i - h_k)                    at inner nodes,  d (h_i - hb_i)  on the boundary
     (F_m x)_i    = sum t/2 (h_i - h_k) (x_i + x_k)      at inner nodes,  0               on the boundary
     (F_m^H y)_i  = sum t/2 (h_i - h_k) (y_i - y_k)      everywhere, with y = 0 on the boundary
     (F_hb x)_i   = - sum t x_k over boundary neighbours at inner nodes,  - d x_i         on the boundary
     (F_hb^H y)_i = - sum t y_k over inner neighbours - d y_i             on the boundary
   The adjoint of the m block is the discrete form of the integral of T grad h . grad y; coefficients are conjugated.
 */
#include "flow.h"

/* The head as F reads it: u at inner nodes, hb on the boundary, ghosted; with m beside it */
PetscErrorCode FlowGetFields(Flow *f, Vec u, Vec *lh, Vec *lm)
{
  Vec h;

  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(f->grid->da, &h));
  PetscCall(VecCopy(u, h));
  PetscCall(GridBoundaryToField(f->grid, f->hb, h));
  PetscCall(FlowGetGhosted(f, h, lh));
  PetscCall(FlowGetGhosted(f, f->m, lm));
  PetscCall(DMRestoreGlobalVector(f->grid->da, &h));
  PetscFunctionReturn(0);
}

/* Both directions of the m block: out_i = sum t/2 (h_i - h_k) (in_i +- in_k) */
static PetscErrorCode FieldStencil(Flow *f, Vec u, Vec in, Vec out, PetscBool adjoint)
{
  const Grid   *g  = f->grid;
  DM            da = g->da;
  Vec           lh, lm, lin;
  PetscScalar **h, **m, **x, **y;

  PetscFunctionBeginUser;
  PetscCall(FlowGetFields(f, u, &lh, &lm));
  PetscCall(FlowGetGhosted(f, in, &lin));
  PetscCall(DMDAVecGetArrayRead(da, lh, &h));
  PetscCall(DMDAVecGetArrayRead(da, lm, &m));
  PetscCall(DMDAVecGetArrayRead(da, lin, &x));
  PetscCall(DMDAVecGetArrayWrite(da, out, &y));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++) {
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) {
      const PetscBool edge = GridOnBoundary(g, i, j);

      y[j][i] = 0.0;
      for (PetscInt k = 0; k < 4; k++) {
        const PetscInt p = i + flow_di[k], q = j + flow_dj[k];
        PetscScalar    flux;

        if (p < 0 || q < 0 || p >= g->nx || q >= g->ny) continue;
        flux = 0.5 * FlowFace(g, k, m[j][i], m[q][p]) * (h[j][i] - h[q][p]);
        if (!adjoint) y[j][i] += edge ? 0.0 : flux * (x[j][i] + x[q][p]);
        else y[j][i] += PetscConj(flux) * ((edge ? 0.0 : x[j][i]) - (GridOnBoundary(g, p, q) ? 0.0 : x[q][p]));
      }
    }
  }
  PetscCall(DMDAVecRestoreArrayWrite(da, out, &y));
  PetscCall(DMDAVecRestoreArrayRead(da, lin, &x));
  PetscCall(DMDAVecRestoreArrayRead(da, lm, &m));
  PetscCall(DMDAVecRestoreArrayRead(da, lh, &h));
  PetscCall(DMRestoreLocalVector(da, &lin));
  PetscCall(DMRestoreLocalVector(da, &lm));
  PetscCall(DMRestoreLocalVector(da, &lh));
  PetscFunctionReturn(0);
}

/* out = F_m in at the head u */
PetscErrorCode FlowFieldDerivative(Flow *f, Vec u, Vec in, Vec out)
{
  return FieldStencil(f, u, in, out, PETSC_FALSE);
}

/* out = F_m^H in at the head u */
PetscErrorCode FlowFieldAdjoint(Flow *f, Vec u, Vec in, Vec out)
{
  return FieldStencil(f, u, in, out, PETSC_TRUE);
}

/* Both directions of the hb block on the grid: values go from nodes of one kind, boundary or inner, to the other */
static PetscErrorCode BoundaryStencil(Flow *f, Vec in, Vec out, PetscBool adjoint)
{
  const Grid   *g  = f->grid;
  DM            da = g->da;
  Vec           lm, lin;
  PetscScalar **m, **x, **y;

  PetscFunctionBeginUser;
  PetscCall(FlowGetGhosted(f, f->m, &lm));
  PetscCall(FlowGetGhosted(f, in, &lin));
  PetscCall(DMDAVecGetArrayRead(da, lm, &m));
  PetscCall(DMDAVecGetArrayRead(da, lin, &x));
  PetscCall(DMDAVecGetArrayWrite(da, out, &y));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++) {
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) {
      const PetscBool edge = GridOnBoundary(g, i, j);

      y[j][i] = edge ? -f->diagonal * x[j][i] : 0.0;
      for (PetscInt k = 0; k < 4; k++) {
        const PetscInt p = i + flow_di[k], q = j + flow_dj[k];
        PetscScalar    t;

        if (p < 0 || q < 0 || p >= g->nx || q >= g->ny || edge == GridOnBoundary(g, p, q)) continue;
        if (edge != adjoint) continue; /* forward: into inner rows; adjoint: into boundary columns */
        t = FlowFace(g, k, m[j][i], m[q][p]);
        y[j][i] -= (adjoint ? PetscConj(t) : t) * x[q][p];
      }
    }
  }
  PetscCall(DMDAVecRestoreArrayWrite(da, out, &y));
  PetscCall(DMDAVecRestoreArrayRead(da, lin, &x));
  PetscCall(DMDAVecRestoreArrayRead(da, lm, &m));
  PetscCall(DMRestoreLocalVector(da, &lin));
  PetscCall(DMRestoreLocalVector(da, &lm));
  PetscFunctionReturn(0);
}

/* out (a field) = F_hb in (on the ring) */
PetscErrorCode FlowBoundaryDerivative(Flow *f, Vec in, Vec out)
{
  Vec field;

  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(f->grid->da, &field));
  PetscCall(VecSet(field, 0.0));
  PetscCall(GridBoundaryToField(f->grid, in, field));
  PetscCall(BoundaryStencil(f, field, out, PETSC_FALSE));
  PetscCall(DMRestoreGlobalVector(f->grid->da, &field));
  PetscFunctionReturn(0);
}

/* out (on the ring) = F_hb^H in (a field) */
PetscErrorCode FlowBoundaryAdjoint(Flow *f, Vec in, Vec out)
{
  Vec field;

  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(f->grid->da, &field));
  PetscCall(BoundaryStencil(f, in, field, PETSC_TRUE));
  PetscCall(GridFieldToBoundary(f->grid, field, out));
  PetscCall(DMRestoreGlobalVector(f->grid->da, &field));
  PetscFunctionReturn(0);
}
