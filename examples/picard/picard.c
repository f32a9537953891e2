static char help[] = "A Picard iteration, and the derivative of what it converges to. Option prefix -picard_.\n"
                     "  Heat in a plate whose conductivity grows with the temperature:\n"
                     "    -div((1 + u^2) grad u) = b  on the unit square, u = 0 on its boundary.\n"
                     "  The solver freezes the conductivity, A(u_k) u_{k+1} = b. A(u) is not the Jacobian, and a "
                     "gradient that takes it for\n"
                     "  one is wrong. Dini finds that out, makes J by coloured differences on the mesh, and keeps A(u) "
                     "as preconditioner.\n"
                     "  Result: the mean temperature, and its gradient with respect to the heat source b.\n"
                     "  Try:  mpiexec -n 2 ./picard -da_refine 2 -snes_converged_reason -dini_view\n\n";

#include <dini.h>
#include <petscdmda.h>

/* A(u): five points, conductivity 1 + u^2 averaged on the faces */
static PetscErrorCode Assemble(SNES snes, Vec u, Mat A, Mat P, void *ctx)
{
  DM                  da;
  DMDALocalInfo       info;
  Vec                 ul;
  const PetscScalar **a;

  PetscFunctionBeginUser;
  (void)A;
  (void)ctx;
  PetscCall(SNESGetDM(snes, &da));
  PetscCall(DMDAGetLocalInfo(da, &info));
  PetscCall(DMGetLocalVector(da, &ul));
  PetscCall(VecSet(ul, 0.0));
  PetscCall(DMGlobalToLocal(da, u, INSERT_VALUES, ul));
  PetscCall(DMDAVecGetArrayRead(da, ul, &a));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscInt di[4] = {-1, 1, 0, 0}, dj[4] = {0, 0, -1, 1};
      MatStencil     row = {0}, cols[5] = {{0}};
      PetscScalar    values[5] = {0.0};

      row.i   = i;
      row.j   = j;
      cols[4] = row;
      for (int k = 0; k < 4; k++) {
        const PetscInt    in = i + di[k], jn = j + dj[k];
        const PetscBool   inside = (PetscBool)(in >= 0 && jn >= 0 && in < info.mx && jn < info.my);
        const PetscScalar un = inside ? a[jn][in] : 0.0, face = 1.0 + 0.5 * (a[j][i] * a[j][i] + un * un);

        cols[k].i = inside ? in : -1;
        cols[k].j = inside ? jn : -1;
        values[k] = -face;
        values[4] += face;
      }
      PetscCall(MatSetValuesStencil(P, 1, &row, 5, cols, values, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(da, ul, &a));
  PetscCall(DMRestoreLocalVector(da, &ul));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

static PetscErrorCode Source(SNES snes, Vec u, Vec b, void *ctx)
{
  PetscFunctionBeginUser;
  (void)snes;
  (void)u;
  PetscCall(VecCopy((Vec)ctx, b));
  PetscFunctionReturn(0);
}

/* Gradient times a direction against a central difference of the mean over two more Picard solves */
static PetscErrorCode Check(SNES snes, Vec b, Vec u, Vec weights, Vec gradient)
{
  const PetscReal h = 1.0e-4;
  PetscScalar     slope, mean[2];
  Vec             start;
  PetscRandom     random;
  Vec             db;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(b, &db));
  PetscCall(VecDuplicate(u, &start));
  PetscCall(VecCopy(u, start));
  PetscCall(PetscRandomCreate(PETSC_COMM_WORLD, &random));
  PetscCall(VecSetRandom(db, random));
  PetscCall(VecDot(db, gradient, &slope));
  for (int k = 0; k < 2; k++) {
    PetscCall(VecAXPY(b, k ? -2.0 * h : h, db));
    PetscCall(SNESSolve(snes, NULL, u));
    PetscCall(VecDot(u, weights, &mean[k]));
  }
  PetscCall(VecAXPY(b, h, db));
  PetscCall(VecCopy(start, u));
  mean[0] = (mean[0] - mean[1]) / (2.0 * h);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "slope along a direction = %.8f, by differences %.8f\n",
                        (double)PetscRealPart(slope), (double)PetscRealPart(mean[0])));
  PetscCheck(PetscAbsScalar(slope - mean[0]) <= 1.0e-5 * PetscAbsScalar(slope), PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "The gradient is wrong");
  PetscCall(PetscRandomDestroy(&random));
  PetscCall(VecDestroy(&db));
  PetscCall(VecDestroy(&start));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  DM               da;
  SNES             snes;
  Mat              A;
  Vec              u, b, weights, gradient;
  Dini             dini;
  DiniJacobianType type;
  PetscScalar      mean;
  PetscInt         N;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));

  /* the Picard solver: ordinary PETSc */
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, 9, 9, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &da));
  PetscCall(DMSetFromOptions(da));
  PetscCall(DMSetUp(da));
  PetscCall(DMCreateMatrix(da, &A));
  PetscCall(DMCreateGlobalVector(da, &u));
  PetscCall(VecDuplicate(u, &b));
  PetscCall(VecGetSize(b, &N));
  PetscCall(VecSet(b, 12.0 / (PetscReal)N)); /* times h^2 */
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &snes));
  PetscCall(SNESSetDM(snes, da));
  PetscCall(SNESSetPicard(snes, NULL, Source, A, A, Assemble, b));
  PetscCall(SNESSetTolerances(snes, 1.0e-12, 1.0e-11, 0.0, 500, 10000));
  PetscCall(SNESSetFromOptions(snes));

  /* its derivative */
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, snes));
  PetscCall(DiniAddParameter(dini, "source", b, NULL));
  PetscCall(DiniSetParameterType(dini, 0, DINIPARAMETERRHS));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniSolve(dini, u));
  PetscCall(VecDuplicate(u, &weights));
  PetscCall(VecSet(weights, 1.0 / (PetscReal)N));
  PetscCall(VecDot(u, weights, &mean));
  PetscCall(DiniCreateParameterVec(dini, &gradient));
  PetscCall(DiniVJP(dini, weights, gradient));
  PetscCall(DiniGetJacobianType(dini, &type));
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "mean temperature = %.8f, Jacobian: %s\n", (double)PetscRealPart(mean),
                        DiniJacobianTypes[type]));

  PetscCall(Check(snes, b, u, weights, gradient));

  PetscCall(VecDestroy(&gradient));
  PetscCall(VecDestroy(&weights));
  PetscCall(VecDestroy(&u));
  PetscCall(VecDestroy(&b));
  PetscCall(MatDestroy(&A));
  PetscCall(DiniDestroy(&dini));
  PetscCall(SNESDestroy(&snes));
  PetscCall(DMDestroy(&da));
  PetscCall(PetscFinalize());
  return 0;
}
