/* Second derivatives of the residual F = A(m) h - b(m, hb), paired with an adjoint state lambda: what a product with the
   Hessian of the objective needs beside first derivatives.

   With lambda = 0 on the boundary, whose rows are linear, every face between i and k enters

     <lambda, F> = sum over faces  t (h_i - h_k) (lambda_i - lambda_k),  t = c exp((m_i + m_k)/2),

   once. Its derivative along (dh, dm), differentiated again, has at node i, with every sum over the neighbours k,

     in h_i:  sum t (dm_i + dm_k)/2 (lambda_i - lambda_k)
     in m_i:  sum t/2 ((dm_i + dm_k)/2 (h_i - h_k) + dh_i - dh_k) (lambda_i - lambda_k)

   where h and dh are those of the inner nodes, hb and its change on the boundary; coefficients are conjugated. */
#include "flow.h"

typedef struct {
  PetscScalar **h, **m, **lambda, **dh, **dm; /* ghosted */
} Fields;

static void CurvatureAt(const Grid *g, const Fields *f, PetscInt i, PetscInt j, PetscScalar *gh, PetscScalar *gm)
{
  *gh = *gm = 0.0;
  for (PetscInt k = 0; k < 4; k++) {
    const PetscInt p = i + flow_di[k], q = j + flow_dj[k];
    PetscScalar    t, mean, jump;

    if (p < 0 || q < 0 || p >= g->nx || q >= g->ny) continue;
    t    = FlowFace(g, k, f->m[j][i], f->m[q][p]);
    mean = 0.5 * (f->dm[j][i] + f->dm[q][p]);
    jump = f->lambda[j][i] - f->lambda[q][p];
    *gh += PetscConj(t * mean) * jump;
    *gm += PetscConj(0.5 * t * (mean * (f->h[j][i] - f->h[q][p]) + f->dh[j][i] - f->dh[q][p])) * jump;
  }
}

/* The parts in h and in m, fields both; that in h belongs to the head inside and to hb on the boundary */
PetscErrorCode FlowCurvature(Flow *f, Vec u, Vec lambda, Vec dh, Vec dm, Vec gh, Vec gm)
{
  const Grid   *g  = f->grid;
  DM            da = g->da;
  Vec           local[5];
  Fields        fields;
  PetscScalar **h, **m, ***array[5] = {&fields.h, &fields.m, &fields.lambda, &fields.dh, &fields.dm};

  PetscFunctionBeginUser;
  PetscCall(FlowGetFields(f, u, &local[0], &local[1]));
  PetscCall(FlowGetGhosted(f, lambda, &local[2]));
  PetscCall(FlowGetGhosted(f, dh, &local[3]));
  PetscCall(FlowGetGhosted(f, dm, &local[4]));
  for (PetscInt k = 0; k < 5; k++) PetscCall(DMDAVecGetArrayRead(da, local[k], array[k]));
  PetscCall(DMDAVecGetArrayWrite(da, gh, &h));
  PetscCall(DMDAVecGetArrayWrite(da, gm, &m));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++)
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) CurvatureAt(g, &fields, i, j, &h[j][i], &m[j][i]);
  PetscCall(DMDAVecRestoreArrayWrite(da, gm, &m));
  PetscCall(DMDAVecRestoreArrayWrite(da, gh, &h));
  for (PetscInt k = 5; k-- > 0;) {
    PetscCall(DMDAVecRestoreArrayRead(da, local[k], array[k]));
    PetscCall(DMRestoreLocalVector(da, &local[k]));
  }
  PetscFunctionReturn(0);
}

/* A copy of a field, with what b has on the boundary, or zero without b */
static PetscErrorCode GetInnerCopy(const Grid *g, Vec field, Vec b, Vec *copy)
{
  PetscScalar *v;

  PetscFunctionBeginUser;
  PetscCall(DMGetGlobalVector(g->da, copy));
  PetscCall(VecCopy(field, *copy));
  if (b) PetscCall(GridBoundaryToField(g, b, *copy));
  else {
    PetscCall(VecGetArray(*copy, &v));
    for (PetscInt k = 0; k < g->nb; k++) v[g->bnode[k]] = 0.0;
    PetscCall(VecRestoreArray(*copy, &v));
  }
  PetscFunctionReturn(0);
}

/* The change of a block's values along its part of a direction in the unknowns */
static PetscErrorCode Change(Dini dini, Vec dxi, PetscInt p, Block *b, Vec change)
{
  Vec part;

  PetscFunctionBeginUser;
  PetscCall(DiniGetParameterSubVec(dini, dxi, p, &part));
  PetscCall(PriorApply(&b->prior, part, change));
  PetscCall(DiniRestoreParameterSubVec(dini, dxi, p, &part));
  PetscFunctionReturn(0);
}

/* DiniResidualHessianFn: hu += (F_uu du + F_um dxi)^H lambda, hxi += (F_mu du + F_mm dxi)^H lambda */
PetscErrorCode BlocksCurvature(Dini dini, Vec u, Vec lambda, Vec du, Vec dxi, Vec hu, Vec hxi, void *ctx)
{
  Inversion *inv = (Inversion *)ctx;
  Grid      *g   = &inv->grid;
  Block     *b   = inv->block;
  Vec        inner, dh, gh, gm, part;

  PetscFunctionBeginUser;
  PetscCall(Change(dini, dxi, BOUNDARY, &b[BOUNDARY], b[BOUNDARY].work));
  PetscCall(Change(dini, dxi, FIELD, &b[FIELD], b[FIELD].work));
  PetscCall(GetInnerCopy(g, lambda, NULL, &inner));
  PetscCall(GetInnerCopy(g, du, b[BOUNDARY].work, &dh));
  PetscCall(DMGetGlobalVector(g->da, &gh));
  PetscCall(DMGetGlobalVector(g->da, &gm));
  PetscCall(FlowCurvature(&inv->flow, u, inner, dh, b[FIELD].work, gh, gm));
  PetscCall(GridFieldToBoundary(g, gh, b[BOUNDARY].work));
  PetscCall(DiniGetParameterSubVec(dini, hxi, BOUNDARY, &part));
  PetscCall(PriorApplyAdjoint(&b[BOUNDARY].prior, b[BOUNDARY].work, part));
  PetscCall(DiniRestoreParameterSubVec(dini, hxi, BOUNDARY, &part));
  PetscCall(DiniGetParameterSubVec(dini, hxi, FIELD, &part));
  PetscCall(PriorApplyAdjoint(&b[FIELD].prior, gm, part));
  PetscCall(DiniRestoreParameterSubVec(dini, hxi, FIELD, &part));
  PetscCall(DMRestoreGlobalVector(g->da, &inner)); /* again: the head inside, nothing on the boundary */
  PetscCall(GetInnerCopy(g, gh, NULL, &inner));
  PetscCall(VecAXPY(hu, 1.0, inner));
  PetscCall(DMRestoreGlobalVector(g->da, &inner));
  PetscCall(DMRestoreGlobalVector(g->da, &gm));
  PetscCall(DMRestoreGlobalVector(g->da, &gh));
  PetscCall(DMRestoreGlobalVector(g->da, &dh));
  PetscFunctionReturn(0);
}
