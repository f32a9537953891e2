/* Steady confined flow, -div(e^m grad h) = 0 with h = hb on the boundary, by finite volumes around the nodes.

   Through the face between nodes i and k flows  c_ik T_ik (h_i - h_k),  with c the face's length over the distance and
   T_ik = exp((m_i + m_k)/2) the geometric mean of the two transmissivities. What leaves one volume enters the next.
   Rows of boundary nodes read  d (h - hb) = 0,  and the known heads go to the right-hand side of their neighbours, so
   that A is symmetric and positive definite. */
#include "flow.h"

const PetscInt flow_di[4] = {-1, 1, 0, 0}, flow_dj[4] = {0, 0, -1, 1};

PetscErrorCode FlowCreate(Grid *grid, const AquiferOptions *o, Flow *f)
{
  PetscBool direct;
  PC        pc;
  MPI_Comm  comm;

  PetscFunctionBeginUser;
  f->grid     = grid;
  f->diagonal = 2 * (grid->dy / grid->dx + grid->dx / grid->dy) * PetscExpReal(o->m_mean);
  PetscCall(PetscObjectGetComm((PetscObject)grid->da, &comm));
  PetscCall(DMCreateGlobalVector(grid->da, &f->m));
  PetscCall(VecDuplicate(f->m, &f->b));
  PetscCall(VecDuplicate(f->m, &f->head));
  PetscCall(VecDuplicate(f->m, &f->hbfield));
  PetscCall(GridCreateBoundaryVec(grid, &f->hb));
  PetscCall(DMCreateMatrix(grid->da, &f->A));
  PetscCall(MatSetOption(f->A, MAT_SPD, PETSC_TRUE));
  PetscCall(MatSetOption(f->A, MAT_SPD_ETERNAL, PETSC_TRUE)); /* and stays so when it is filled again */
  PetscCall(MatSetOption(f->A, MAT_SYMMETRY_ETERNAL, PETSC_TRUE));
  PetscCall(KSPCreate(comm, &f->ksp));
  PetscCall(KSPSetOperators(f->ksp, f->A, f->A));
  PetscCall(KSPSetType(f->ksp, KSPCG));
  PetscCall(KSPGetPC(f->ksp, &pc));
  PetscCall(PCSetType(pc, PCGAMG));
  PetscCall(KSPSetTolerances(f->ksp, 1e-10, PETSC_DEFAULT, PETSC_DEFAULT, 500));
  PetscCall(KSPSetFromOptions(f->ksp));
  PetscCall(PetscObjectTypeCompare((PetscObject)f->ksp, KSPPREONLY, &direct));
  PetscCall(KSPSetInitialGuessNonzero(f->ksp, direct ? PETSC_FALSE : PETSC_TRUE)); /* the head of the last iteration */
  PetscFunctionReturn(0);
}

PetscErrorCode FlowDestroy(Flow *f)
{
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&f->ksp));
  PetscCall(MatDestroy(&f->A));
  PetscCall(VecDestroy(&f->m));
  PetscCall(VecDestroy(&f->b));
  PetscCall(VecDestroy(&f->head));
  PetscCall(VecDestroy(&f->hbfield));
  PetscCall(VecDestroy(&f->hb));
  PetscFunctionReturn(0);
}

/* A ghosted copy of a field; give it back with DMRestoreLocalVector */
PetscErrorCode FlowGetGhosted(Flow *f, Vec field, Vec *local)
{
  PetscFunctionBeginUser;
  PetscCall(DMGetLocalVector(f->grid->da, local));
  PetscCall(DMGlobalToLocal(f->grid->da, field, INSERT_VALUES, *local));
  PetscFunctionReturn(0);
}

static PetscErrorCode AssembleRow(const Flow *f, PetscInt i, PetscInt j, PetscScalar **m, PetscScalar **hb, Mat P,
                                  PetscScalar *b)
{
  const Grid      *g   = f->grid;
  const MatStencil row = {.i = i, .j = j};
  MatStencil       col[5];
  PetscScalar      v[5];
  PetscInt         n = 1;

  PetscFunctionBeginUser;
  col[0] = row;
  v[0]   = 0.0;
  *b     = 0.0;
  if (GridOnBoundary(g, i, j)) {
    v[0] = f->diagonal;
    *b   = f->diagonal * hb[j][i];
  } else {
    for (PetscInt k = 0; k < 4; k++) {
      const PetscInt    p = i + flow_di[k], q = j + flow_dj[k];
      const PetscScalar t = FlowFace(g, k, m[j][i], m[q][p]);

      v[0] += t;
      if (GridOnBoundary(g, p, q)) *b += t * hb[q][p];
      else {
        col[n] = (MatStencil){.i = p, .j = q};
        v[n++] = -t;
      }
    }
  }
  PetscCall(MatSetValuesStencil(P, 1, &row, n, col, v, INSERT_VALUES));
  PetscFunctionReturn(0);
}

/* DiniLinearSystemFn: A and b at the current m and hb */
PetscErrorCode FlowAssemble(Dini dini, Mat A, Mat P, Vec b, void *ctx)
{
  Flow         *f = (Flow *)ctx;
  const Grid   *g = f->grid;
  Vec           lm, lhb;
  PetscScalar **m, **hb, **pb;

  PetscFunctionBeginUser;
  (void)dini, (void)A; /* the KSP has one matrix for both */
  PetscCall(GridBoundaryToField(g, f->hb, f->hbfield));
  PetscCall(FlowGetGhosted(f, f->m, &lm));
  PetscCall(FlowGetGhosted(f, f->hbfield, &lhb));
  PetscCall(DMDAVecGetArrayRead(g->da, lm, &m));
  PetscCall(DMDAVecGetArrayRead(g->da, lhb, &hb));
  PetscCall(DMDAVecGetArray(g->da, b, &pb));
  for (PetscInt j = g->ys; j < g->ys + g->ym; j++)
    for (PetscInt i = g->xs; i < g->xs + g->xm; i++) PetscCall(AssembleRow(f, i, j, m, hb, P, &pb[j][i]));
  PetscCall(DMDAVecRestoreArray(g->da, b, &pb));
  PetscCall(DMDAVecRestoreArrayRead(g->da, lhb, &hb));
  PetscCall(DMDAVecRestoreArrayRead(g->da, lm, &m));
  PetscCall(DMRestoreLocalVector(g->da, &lhb));
  PetscCall(DMRestoreLocalVector(g->da, &lm));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}
