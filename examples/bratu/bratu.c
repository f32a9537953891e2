static char help[] =
    "Where do the solutions of the Bratu problem end? Option prefix -bratu_.\n"
    "  Delta u + m e^u = 0 on the unit square, u = 0 on its boundary: a reaction that heats itself. Two solutions for\n"
    "  small m, which meet in a fold; none beyond. The program goes up the lower branch, round the fold and down the "
    "upper "
    "one,\n  and finds the fold from either side.\n"
    "  Try:  mpiexec -n 2 ./bratu -bratu_n 31 -bratu_output bratu.txt\n\n";

#include <petscdmda.h>
#include <petscsnes.h>
#if defined(BRATU_SLEPC)
  #include <dinislepc.h>
#else
  #include <dini.h>
#endif

#if PETSC_VERSION_LT(3, 19, 0) && !defined(PETSC_SUCCESS)
  #define PETSC_SUCCESS 0
#endif
#define FOLD 6.808124423 /* of the continuous problem, to ten digits in the literature */

typedef struct {
  DM          da; /* n x n nodes inside of the square */
  SNES        snes;
  Vec         u;
  PetscScalar m;
  FILE       *output; /* NULL for none */
  PetscBool   table, upper;
  PetscInt    points;   /* on the path so far */
  PetscReal   top, end; /* max u of the last solution on the lower branch, and of the last one */
  PetscReal   before;   /* m of that */
} Bratu;

/* F = -Delta_h u - m e^u */
static PetscErrorCode Residual(SNES snes, Vec u, Vec F, void *ctx)
{
  Bratu        *b = (Bratu *)ctx;
  DMDALocalInfo info;
  Vec           local;
  PetscScalar **x, **f;

  PetscFunctionBeginUser;
  (void)snes;
  PetscCall(DMDAGetLocalInfo(b->da, &info));
  const PetscReal h = 1.0 / (PetscReal)(info.mx + 1);

  PetscCall(DMGetLocalVector(b->da, &local));
  PetscCall(DMGlobalToLocal(b->da, u, INSERT_VALUES, local));
  PetscCall(DMDAVecGetArrayRead(b->da, local, &x));
  PetscCall(DMDAVecGetArray(b->da, F, &f));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      const PetscScalar w = i > 0 ? x[j][i - 1] : 0.0, e = i < info.mx - 1 ? x[j][i + 1] : 0.0;
      const PetscScalar s = j > 0 ? x[j - 1][i] : 0.0, n = j < info.my - 1 ? x[j + 1][i] : 0.0;

      f[j][i] = (4.0 * x[j][i] - w - e - s - n) / (h * h) - b->m * PetscExpScalar(x[j][i]);
    }
  }
  PetscCall(DMDAVecRestoreArray(b->da, F, &f));
  PetscCall(DMDAVecRestoreArrayRead(b->da, local, &x));
  PetscCall(DMRestoreLocalVector(b->da, &local));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Jacobian(SNES snes, Vec u, Mat J, Mat P, void *ctx)
{
  const PetscInt di[5] = {0, -1, 1, 0, 0}, dj[5] = {0, 0, 0, -1, 1};
  Bratu         *b = (Bratu *)ctx;
  DMDALocalInfo  info;
  PetscScalar  **x;

  PetscFunctionBeginUser;
  (void)snes;
  (void)J;
  PetscCall(DMDAGetLocalInfo(b->da, &info));
  const PetscReal h = 1.0 / (PetscReal)(info.mx + 1);

  PetscCall(DMDAVecGetArrayRead(b->da, u, &x));
  for (PetscInt j = info.ys; j < info.ys + info.ym; j++) {
    for (PetscInt i = info.xs; i < info.xs + info.xm; i++) {
      MatStencil  row = {0}, col[5];
      PetscScalar v[5];
      PetscInt    n = 0;

      row.i = i;
      row.j = j;
      for (int k = 0; k < 5; k++) {
        if (i + di[k] < 0 || i + di[k] >= info.mx || j + dj[k] < 0 || j + dj[k] >= info.my) continue;
        col[n]   = row;
        col[n].i = i + di[k];
        col[n].j = j + dj[k];
        v[n++]   = k ? -1.0 / (h * h) : 4.0 / (h * h) - b->m * PetscExpScalar(x[j][i]);
      }
      PetscCall(MatSetValuesStencil(P, 1, &row, n, col, v, INSERT_VALUES));
    }
  }
  PetscCall(DMDAVecRestoreArrayRead(b->da, u, &x));
  PetscCall(MatAssemblyBegin(P, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(P, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One line for each solution on the path; there is much to see near the fold. */
static PetscErrorCode Report(Dini dini, PetscReal m, Vec u, Vec dudm, PetscReal fold, void *ctx)
{
  Bratu    *b = (Bratu *)ctx;
  PetscReal top, slope, sigma = 0.0;
  PetscBool upper;
  char      ahead[32] = "";

  PetscFunctionBeginUser;
  PetscCall(VecNorm(u, NORM_INFINITY, &top));
  PetscCall(VecNorm(dudm, NORM_INFINITY, &slope));
  upper = (PetscBool)(b->points && m <= b->before);
  PetscCheck(!b->points || top > b->end, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "max u grows all along the path, but at m = %g", (double)m);
#if defined(BRATU_SLEPC)
  PetscCall(DiniComputeCondition(dini, &sigma, NULL, NULL, NULL));
#else
  (void)dini;
#endif
  if (b->table && (!b->points || upper != b->upper))
    PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                          "%s branch\n          m      max u   max |du/dm|   sigma_min   fold ahead\n",
                          upper ? "upper" : "lower"));
  if (b->output && (!b->points || upper != b->upper))
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, b->output, "\n\n# %s branch: m, max u, max |du/dm|, sigma_min\n",
                           upper ? "upper" : "lower"));
  if (!upper) b->top = top;
  b->end    = top;
  b->before = m;
  b->upper  = upper;
  b->points++;
  if (fold < PETSC_INFINITY) PetscCall(PetscSNPrintf(ahead, sizeof(ahead), "%.8f", (double)fold));
  if (b->table)
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%11.7f %10.6f %12.4f %12.6f   %s\n", (double)m, (double)top, (double)slope,
                          (double)sigma, ahead));
  if (b->output)
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, b->output, "%.10g %.10g %.10g %.10g\n", (double)m, (double)top,
                           (double)slope, (double)sigma));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Expect(DiniContinuationReason reason, DiniContinuationReason expected, PetscReal m)
{
  const char *text;

  PetscFunctionBeginUser;
  PetscCall(DiniContinuationReasonString(reason, &text));
  PetscCheck(reason == expected, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The path ends with %s at %g", text, (double)m);
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Up the lower branch, round the fold, down the upper one to where m began; and up again to the fold from there. */
static PetscErrorCode Path(Bratu *b, PetscReal *fold)
{
  Dini                   dini;
  PetscInt               p, n;
  DiniContinuationReason reason;
  DiniStatistics         stats;
  const PetscReal       *folds;
  PetscReal              reached;

  PetscFunctionBeginUser;
  b->m      = 1.0;
  b->points = 0;
  PetscCall(VecSet(b->u, 0.0)); /* leads to the lower branch */
  PetscCall(DiniCreate(PETSC_COMM_WORLD, &dini));
  PetscCall(DiniSetSNES(dini, b->snes));
  PetscCall(DiniAddScalarParameter(dini, "m", &b->m, &p));
  PetscCall(DiniContinuationMonitorSet(dini, Report, b));
  PetscCall(DiniSetContinuationFolds(dini, 1, PETSC_INFINITY));
  PetscCall(DiniSetFromOptions(dini));
  PetscCall(DiniContinue(dini, p, 10.0, b->u, &reached, &reason));
  PetscCall(Expect(reason, DINI_CONTINUATION_RETURN, reached));
  PetscCall(DiniGetContinuationFolds(dini, &n, &folds));
  *fold = folds[0];
  PetscCheck(b->upper, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The path has not come round to the upper branch");
  PetscCall(DiniSetContinuationFolds(dini, 0, PETSC_INFINITY));
  PetscCall(DiniContinuationMonitorSet(dini, NULL, NULL));
  PetscCall(DiniContinue(dini, p, 10.0, b->u, &reached, &reason));
  PetscCall(Expect(reason, DINI_CONTINUATION_FOLD, reached));
  PetscCheck(PetscAbsReal(reached - *fold) <= 1e-6 * *fold, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "From the upper branch the fold is at %.8f, from the lower one at %.8f", (double)reached, (double)*fold);
  PetscCall(DiniGetStatistics(dini, &stats));
  PetscCheck(stats.forward_failures == 0, PETSC_COMM_WORLD, PETSC_ERR_PLIB,
             "%" PetscInt_FMT " Newton solves have failed on the way", stats.forward_failures);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "round the fold at %.8f to max u %.6f, and back to it, in %" PetscInt_FMT
                        " solves, none of which failed\n",
                        (double)*fold, (double)b->end, stats.forward_solves));
  PetscCall(DiniDestroy(&dini));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The whole curve on a grid of n x n nodes, and its fold from both sides */
static PetscErrorCode FoldOnGrid(Bratu *b, PetscInt n, PetscReal *fold)
{
  Mat J;

  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD, "%" PetscInt_FMT " x %" PetscInt_FMT " nodes\n", n, n));
  PetscCall(DMDACreate2d(PETSC_COMM_WORLD, DM_BOUNDARY_NONE, DM_BOUNDARY_NONE, DMDA_STENCIL_STAR, n, n, PETSC_DECIDE,
                         PETSC_DECIDE, 1, 1, NULL, NULL, &b->da));
  PetscCall(DMSetUp(b->da));
  PetscCall(DMCreateGlobalVector(b->da, &b->u));
  PetscCall(DMCreateMatrix(b->da, &J));
  PetscCall(SNESCreate(PETSC_COMM_WORLD, &b->snes));
  PetscCall(SNESSetDM(b->snes, b->da));
  PetscCall(SNESSetFunction(b->snes, NULL, Residual, b));
  PetscCall(SNESSetJacobian(b->snes, J, J, Jacobian, b));
  PetscCall(SNESSetFromOptions(b->snes));
  PetscCall(Path(b, fold));
  PetscCall(MatDestroy(&J));
  PetscCall(SNESDestroy(&b->snes));
  PetscCall(VecDestroy(&b->u));
  PetscCall(DMDestroy(&b->da));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  Bratu     b = {0};
  PetscInt  n = 15;
  PetscReal coarse, fine, fold;
  char      file[PETSC_MAX_PATH_LEN];
  PetscBool write;

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-bratu_n", &n, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-bratu_output", file, sizeof(file), &write));
  PetscCall(FoldOnGrid(&b, n, &coarse));
  b.table = PETSC_TRUE;
  if (write) PetscCall(PetscFOpen(PETSC_COMM_WORLD, file, "w", &b.output));
  PetscCall(FoldOnGrid(&b, 2 * n + 1, &fine));
  fold = (4.0 * fine - coarse) / 3.0; /* the error of the grid is of second order */
  if (write) {
    PetscCall(PetscFPrintf(PETSC_COMM_WORLD, b.output, "\n\n# the fold of this grid, max u next to it\n%.10g %.10g\n",
                           (double)fine, (double)b.top));
    PetscCall(PetscFClose(PETSC_COMM_WORLD, b.output));
    PetscCall(PetscPrintf(PETSC_COMM_WORLD, "written: %s\n", file));
  }
  PetscCheck(PetscAbsReal(fold - FOLD) < 5e-4 * FOLD, PETSC_COMM_WORLD, PETSC_ERR_PLIB, "The fold is at %g, not at %g",
             (double)fold, FOLD);
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "fold of the Bratu problem at %.6f, by extrapolation; literature %.6f: passed\n", (double)fold,
                        FOLD));
  PetscCall(PetscFinalize());
  return 0;
}
