#include "fixtures.h"

/* Point values and derivatives of one row; index 0 is the point, 1 to 4 its west, east, south and north neighbours. */
typedef struct {
  PetscScalar F, dFdu[5], dFdm[5];
} Row;

/* All terms carry h^2. A neighbour outside has u = 0, and the face takes the conductivity of the point. */
static void TransportRow(const Transport *t, PetscScalar f, const PetscScalar u[5], const PetscScalar m[5],
                         const PetscBool in[5], PetscReal h, Row *r)
{
  const PetscReal along[5] = {0.0, -1.0, 1.0, -0.5, 0.5}; /* h b.grad by central differences, b = (1, 1/2) */

  r->F       = h * h * (t->reaction * u[0] * u[0] * u[0] - f);
  r->dFdu[0] = 3.0 * h * h * t->reaction * u[0] * u[0];
  r->dFdm[0] = 0.0;
  for (int k = 1; k < 5; k++) {
    const PetscScalar v = in[k] ? u[k] : 0.0, mean = 0.5 * (u[0] + v), jump = u[0] - v;
    const PetscScalar c = in[k] ? 0.5 * (PetscExpScalar(m[0]) + PetscExpScalar(m[k])) : PetscExpScalar(m[0]);
    const PetscScalar g = 1.0 + mean * mean;

    r->F += c * g * jump + 0.5 * h * t->peclet * along[k] * v;
    r->dFdu[0] += c * (g + mean * jump);
    r->dFdu[k] = c * (-g + mean * jump) + 0.5 * h * t->peclet * along[k];
    r->dFdm[0] += (in[k] ? 0.5 : 1.0) * PetscExpScalar(m[0]) * g * jump;
    r->dFdm[k] = in[k] ? 0.5 * PetscExpScalar(m[k]) * g * jump : 0.0;
  }
}

typedef enum { WANT_F, WANT_J, WANT_FM } Want;

/* One sweep over the owned points, for whichever of F, J and F_m is wanted. */
static PetscErrorCode TransportSweep(Transport *t, Vec u, Vec m, Want want, Vec F, Mat A)
{
  DMDALocalInfo       info;
  Vec                 ul, ml;
  const PetscScalar **ua, **ma, **fa;
  PetscScalar       **Fa    = NULL;
  const int           di[5] = {0, -1, 1, 0, 0}, dj[5] = {0, 0, 0, -1, 1};

  PetscFunctionBeginUser;
  PetscCall(DMDAGetLocalInfo(t->dm, &info));
  PetscCall(DMGetLocalVector(t->dm, &ul));
  PetscCall(DMGetLocalVector(t->dm, &ml));
  PetscCall(DMGlobalToLocal(t->dm, u, INSERT_VALUES, ul));
  PetscCall(DMGlobalToLocal(t->dm, m, INSERT_VALUES, ml));
  PetscCall(DMDAVecGetArrayRead(t->dm, ul, &ua));
  PetscCall(DMDAVecGetArrayRead(t->dm, ml, &ma));
  PetscCall(DMDAVecGetArrayRead(t->dm, t->f, &fa));
  if (want == WANT_F) PetscCall(DMDAVecGetArray(t->dm, F, &Fa));
  else PetscCall(MatZeroEntries(A));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      MatStencil  row   = {0}, cols[5];
      PetscScalar up[5] = {0}, mp[5] = {0}, values[5];
      PetscBool   in[5];
      PetscInt    n = 0;
      Row         r;

      for (int k = 0; k < 5; k++) {
        const PetscInt ik = i + di[k], jk = j + dj[k];

        in[k] = (PetscBool)(ik >= 0 && jk >= 0 && ik < info.mx && jk < info.my);
        if (in[k]) up[k] = ua[jk][ik];
        if (in[k]) mp[k] = ma[jk][ik];
      }
      TransportRow(t, fa[j][i], up, mp, in, 1.0 / (PetscReal)(info.mx + 1), &r);
      if (want == WANT_F) {
        Fa[j][i] = r.F;
        continue;
      }
      row.i = i;
      row.j = j;
      for (int k = 0; k < 5; k++) {
        if (!in[k]) continue;
        cols[n]   = row;
        cols[n].i = i + di[k];
        cols[n].j = j + dj[k];
        values[n] = want == WANT_J ? r.dFdu[k] : r.dFdm[k];
        n++;
      }
      PetscCall(MatSetValuesStencil(A, 1, &row, n, cols, values, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(t->dm, t->f, &fa));
  PetscCall(DMDAVecRestoreArrayRead(t->dm, ml, &ma));
  PetscCall(DMDAVecRestoreArrayRead(t->dm, ul, &ua));
  PetscCall(DMRestoreLocalVector(t->dm, &ml));
  PetscCall(DMRestoreLocalVector(t->dm, &ul));
  if (want == WANT_F) PetscCall(DMDAVecRestoreArray(t->dm, F, &Fa));
  else {
    PetscCall(MatAssemblyBegin(A, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(A, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportResidual(Transport *t, Vec u, Vec F)
{
  PetscFunctionBeginUser;
  t->residuals++;
  PetscCall(TransportSweep(t, u, t->m, WANT_F, F, NULL));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportJacobian(Transport *t, Vec u, Mat J)
{
  PetscFunctionBeginUser;
  t->jacobians++;
  PetscCall(TransportSweep(t, u, t->m, WANT_J, NULL, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportFill(Transport *t, Vec u, Vec m, Mat Fm)
{
  PetscFunctionBeginUser;
  t->fills++;
  PetscCall(TransportSweep(t, u, m, WANT_FM, NULL, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(TransportResidual((Transport *)ctx, u, F));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(TransportJacobian((Transport *)ctx, u, P));
  if (J != P) { /* -snes_mf_operator */
    PetscCall(MatAssemblyBegin(J, MAT_FINAL_ASSEMBLY));
    PetscCall(MatAssemblyEnd(J, MAT_FINAL_ASSEMBLY));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Fill(Dini dini, Vec u, Vec m, Mat Fm, void *ctx)
{
  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(TransportFill((Transport *)ctx, u, m, Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Apply(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Transport *t = (Transport *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(TransportFill(t, u, m, t->Fm));
  PetscCall(MatMult(t->Fm, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ApplyAdjoint(Dini dini, Vec u, Vec m, Vec x, Vec y, void *ctx)
{
  Transport *t = (Transport *)ctx;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(TransportFill(t, u, m, t->Fm));
  PetscCall(MatMultHermitianTranspose(t->Fm, x, y));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode TransportReference(Transport *t, PetscBool adjoint, Vec x, Vec y)
{
  Mat J, Fm;

  PetscFunctionBeginUser;
  PetscCall(MatDuplicate(t->J, MAT_DO_NOT_COPY_VALUES, &J));
  PetscCall(MatDuplicate(t->J, MAT_DO_NOT_COPY_VALUES, &Fm));
  PetscCall(TransportSweep(t, t->u, t->m, WANT_J, NULL, J));
  PetscCall(TransportSweep(t, t->u, t->m, WANT_FM, NULL, Fm));
  if (adjoint) PetscCall(DiniTestReferenceVJP(J, Fm, x, y));
  else PetscCall(DiniTestReferenceJVP(J, Fm, x, y));
  PetscCall(MatDestroy(&J));
  PetscCall(MatDestroy(&Fm));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportReferenceJVP(Transport *t, Vec dm, Vec du)
{
  PetscFunctionBeginUser;
  PetscCall(TransportReference(t, PETSC_FALSE, dm, du));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportReferenceVJP(Transport *t, Vec ubar, Vec mbar)
{
  PetscFunctionBeginUser;
  PetscCall(TransportReference(t, PETSC_TRUE, ubar, mbar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportObjective(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Transport *t = (Transport *)ctx;
  Vec        d;
  PetscReal  nu, nm;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecCopy(u, d));
  PetscCall(VecShift(d, -0.3));
  PetscCall(VecNorm(d, NORM_2, &nu));
  PetscCall(VecDestroy(&d));
  PetscCall(VecNorm(t->m, NORM_2, &nm));
  *value = 0.5 * nu * nu + 0.5 * t->alpha * nm * nm;
  if (t->objective == FAULT_NAN) *value = NAN;
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportObjectiveGradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Transport *t = (Transport *)ctx;
  Vec        part;

  PetscFunctionBeginUser;
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -0.3));
  PetscCall(DiniGetParameterSubVec(dini, dJdm, t->p, &part));
  PetscCall(VecAXPY(part, t->alpha, t->m));
  PetscCall(DiniRestoreParameterSubVec(dini, dJdm, t->p, &part));
  if (t->objective == FAULT_WRONG) PetscCall(VecScale(dJdu, 1.5));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportCreate(PetscInt nx, PetscInt ny, Transport *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(t, sizeof(*t)));
  t->peclet   = DiniTestScalar(8.0, 1.0);
  t->reaction = DiniTestScalar(3.0, -0.5);
  t->alpha    = 1e-2;
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, nx, ny, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &t->dm));
  PetscCall(DMSetUp(t->dm));
  PetscCall(DMCreateGlobalVector(t->dm, &t->u));
  PetscCall(VecDuplicate(t->u, &t->m));
  PetscCall(VecDuplicate(t->u, &t->f));
  PetscCall(DiniTestFill(t->m, 1));
  PetscCall(VecScale(t->m, 0.5));
  PetscCall(DiniTestFill(t->f, 2));
  PetscCall(VecScale(t->f, 5.0));
  PetscCall(VecShift(t->f, 30.0));
  PetscCall(DMCreateMatrix(t->dm, &t->J));
  PetscCall(MatDuplicate(t->J, MAT_DO_NOT_COPY_VALUES, &t->Fm));

  PetscCall(SNESCreate(PETSC_COMM_WORLD, &t->snes));
  PetscCall(SNESSetDM(t->snes, t->dm));
  PetscCall(SNESSetFunction(t->snes, NULL, Residual, t));
  PetscCall(SNESSetJacobian(t->snes, t->J, t->J, Jacobian, t));
  PetscCall(SNESSetTolerances(t->snes, 1e-13, 1e-11, 0.0, 50, 1000));
  PetscCall(SNESSetFromOptions(t->snes));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportDini(Transport *t, DiniParameterType kind)
{
  PetscBool matrix, coloring, operation;

  PetscFunctionBeginUser;
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETERMATRIX, &matrix));
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETERCOLORING, &coloring));
  PetscCall(PetscStrcmp(kind ? kind : "", DINIPARAMETEROPERATOR, &operation));
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &t->dini));
  PetscCall(DiniSetSNES(t->dini, t->snes));
  PetscCall(DiniAddParameter(t->dini, "log_k", t->m, &t->p));
  if (matrix) PetscCall(DiniSetParameterJacobian(t->dini, t->p, t->Fm, Fill, t));
  if (coloring) PetscCall(DiniSetParameterJacobian(t->dini, t->p, t->Fm, NULL, NULL));
  if (operation) PetscCall(DiniSetParameterOperator(t->dini, t->p, Apply, ApplyAdjoint, t));
  if (kind) PetscCall(DiniSetParameterType(t->dini, t->p, kind));
  PetscCall(DiniSetFromOptions(t->dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode TransportDestroy(Transport *t)
{
  PetscFunctionBeginUser;
  PetscCall(DiniDestroy(&t->dini));
  PetscCall(SNESDestroy(&t->snes));
  PetscCall(MatDestroy(&t->J));
  PetscCall(MatDestroy(&t->Fm));
  PetscCall(VecDestroy(&t->u));
  PetscCall(VecDestroy(&t->m));
  PetscCall(VecDestroy(&t->f));
  PetscCall(DMDestroy(&t->dm));
  PetscFunctionReturn(PETSC_SUCCESS);
}
