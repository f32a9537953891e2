/* -aquifer_posterior: how well the heads determine the transmissivity. The Laplace approximation replaces the posterior by
   the Gaussian about the estimate whose precision is the Hessian there,

     n H = H_misfit + weight I,   n J = 1/2 sum ((h(x_i) - d_i)/head_error)^2 + weight/2 |xi|^2,

   with the n wells in use. So the prior that it updates is the one that the estimate has been made with: that of the
   options, its standard deviations divided by sqrt(weight). Of the eigenvalues of H_misfit relative to the prior's
   precision there are no more than the wells that are not small, on any grid.

   m = mean + S xi_m, so its variance is diag(S S^T)/weight, see priorvariance.c, less what those pairs take off. */
#include "posterior.h"

enum { SAMPLES = 3, FIELDS = 3 + SAMPLES };

/* Newton's steps, with the full Hessian, from the estimate to where the gradient is nothing beside the curvature */
static PetscErrorCode Polish(Inversion *inv)
{
  TaoConvergedReason reason;
  PetscReal          before = inv->rms, value, gradient;
  PetscInt           its;
  Tao                tao;

  PetscFunctionBeginUser;
  PetscCall(DiniSetHessianType(inv->dini, DINI_HESSIAN_FULL));
  PetscCall(MinimiserCreate(inv, TAOBNLS, inv->x, 1e-5, "polish_", &tao));
  PetscCall(TaoSolve(tao));
  PetscCall(TaoGetSolutionStatus(tao, &its, NULL, &gradient, NULL, NULL, &reason));
  PetscCheck(reason > 0, PetscObjectComm((PetscObject)tao), PETSC_ERR_NOT_CONVERGED,
             "Newton's method stopped with %s after %" PetscInt_FMT " iterations, at a gradient norm of %g",
             TaoConvergedReasons[reason], its, (double)gradient);
  PetscCall(TaoDestroy(&tao));
  PetscCall(InversionEvaluate(inv, &value, NULL));
  if (!inv->options->quiet)
    PetscCall(PetscPrintf(PetscObjectComm((PetscObject)inv->dini),
                          "\n%" PetscInt_FMT
                          " Newton steps to a gradient norm of %.1e; RMS misfit %.2f m, before %.2f m\n",
                          its, (double)gradient, (double)inv->rms, (double)before));
  PetscFunctionReturn(0);
}

/* A multiple of the identity on flat parameter vectors */
static PetscErrorCode CreateMultiple(Inversion *inv, PetscReal factor, Mat *A)
{
  PetscInt n, N;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(inv->x, &n));
  PetscCall(VecGetSize(inv->x, &N));
  PetscCall(MatCreateConstantDiagonal(PetscObjectComm((PetscObject)inv->x), n, n, N, N, factor, A));
  PetscCall(MatAssemblyBegin(*A, MAT_FINAL_ASSEMBLY));
  PetscCall(MatAssemblyEnd(*A, MAT_FINAL_ASSEMBLY));
  PetscFunctionReturn(0);
}

/* At the minimum near the estimate of inv, to which it moves */
PetscErrorCode PosteriorCreate(Inversion *inv, DiniPosterior *post)
{
  const PetscInt n = inv->observation.total;
  Mat            R, S;
  KSP            ksp;
  PC             pc;

  PetscFunctionBeginUser;
  PetscCall(Polish(inv));
  PetscCall(DiniSetHessianType(inv->dini, inv->options->posterior_hessian));
  PetscCall(CreateMultiple(inv, inv->weight, &R));
  PetscCall(CreateMultiple(inv, 1 / PetscSqrtReal(inv->weight), &S));
  PetscCall(DiniPosteriorCreate(inv->dini, post));
  PetscCall(DiniPosteriorSetPrior(*post, R, PETSC_TRUE));
  PetscCall(DiniPosteriorSetPriorRoot(*post, S));
  PetscCall(DiniPosteriorGetPriorKSP(*post, &ksp)); /* one iteration, on a multiple of the identity */
  PetscCall(KSPGetPC(ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(DiniPosteriorSetScale(*post, (PetscReal)n));
  if (inv->options->posterior_hessian ==
      DINI_HESSIAN_GAUSS_NEWTON) { /* n is its rank, at most: two blocks of products find the pairs */
    PetscCall(DiniPosteriorSetDimension(*post, n, 0.01));
    PetscCall(DiniPosteriorSetMethod(*post, DINI_POSTERIOR_RANDOMIZED));
  }
  PetscCall(DiniPosteriorSetFromOptions(*post));
  PetscCall(DiniPosteriorSolve(*post));
  PetscCall(MatDestroy(&R));
  PetscCall(MatDestroy(&S));
  PetscFunctionReturn(0);
}

/* y = S x_m for a flat x: the field's change along a change of the unknowns */
static PetscErrorCode FieldMult(Mat L, Vec x, Vec y)
{
  Inversion *inv;
  Vec        part;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(L, &inv));
  PetscCall(DiniGetParameterSubVec(inv->dini, x, FIELD, &part));
  PetscCall(PriorApply(&inv->block[FIELD].prior, part, y));
  PetscCall(DiniRestoreParameterSubVec(inv->dini, x, FIELD, &part));
  PetscFunctionReturn(0);
}

static PetscErrorCode FieldMultTranspose(Mat L, Vec y, Vec x)
{
  Inversion *inv;
  Vec        part;

  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(L, &inv));
  PetscCall(VecSet(x, 0.0));
  PetscCall(DiniGetParameterSubVec(inv->dini, x, FIELD, &part));
  PetscCall(PriorApplyAdjoint(&inv->block[FIELD].prior, y, part));
  PetscCall(DiniRestoreParameterSubVec(inv->dini, x, FIELD, &part));
  PetscFunctionReturn(0);
}

/* Its variance at the nodes, under the prior and under the posterior */
static PetscErrorCode FieldVariances(Inversion *inv, DiniPosterior post, Mat L, Vec prior, Vec posterior)
{
  PetscFunctionBeginUser;
  PetscCall(PriorFieldVariance(&inv->grid, &inv->block[FIELD].prior, prior));
  PetscCall(VecScale(prior, 1 / inv->weight));
  PetscCall(DiniPosteriorGetVariance(post, L, prior, posterior));
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateFieldMap(Inversion *inv, Mat *L)
{
  PetscInt rows, columns;

  PetscFunctionBeginUser;
  PetscCall(VecGetLocalSize(inv->flow.m, &rows));
  PetscCall(VecGetLocalSize(inv->x, &columns));
  PetscCall(
      MatCreateShell(PetscObjectComm((PetscObject)inv->x), rows, columns, PETSC_DETERMINE, PETSC_DETERMINE, inv, L));
  PetscCall(MatShellSetOperation(*L, MATOP_MULT, (void (*)(void))FieldMult));
  PetscCall(MatShellSetOperation(*L, MATOP_MULT_TRANSPOSE, (void (*)(void))FieldMultTranspose));
  PetscFunctionReturn(0);
}

/* What the heads have told, in numbers */
static PetscErrorCode Report(Inversion *inv, DiniPosterior post, Vec prior, Vec posterior)
{
  MPI_Comm         comm = PetscObjectComm((PetscObject)post);
  const PetscReal *lambda;
  PetscReal        cut, gain, expected, nodes = (PetscReal)(inv->grid.nx * inv->grid.ny), least;
  PetscScalar      sum[2];
  PetscInt         n, above = 0;
  DiniHessianType  type;

  PetscFunctionBeginUser;
  PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, &cut));
  PetscCall(DiniPosteriorGetInformationGain(post, inv->x, &gain, &expected));
  PetscCall(DiniGetHessianType(inv->dini, &type));
  PetscCall(VecSum(prior, &sum[0]));
  PetscCall(VecSum(posterior, &sum[1]));
  PetscCall(VecMin(posterior, NULL, &least));
  while (above < n && lambda[above] > 1) above++;
  PetscCall(PetscPrintf(comm, "\nLaplace posterior, %s Hessian, %" PetscInt_FMT " x %" PetscInt_FMT " cells\n",
                        DiniHessianTypes[type], inv->grid.nx - 1, inv->grid.ny - 1));
  PetscCall(PetscPrintf(comm, "  directions better known from heads%9" PetscInt_FMT "  eigenvalues above 1\n", above));
  PetscCall(PetscPrintf(
      comm, "  eigenpairs                        %10" PetscInt_FMT "  from %.4g on; the rest is below %.2g\n", n,
      n ? (double)lambda[0] : 0.0, (double)cut));
  PetscCall(PetscPrintf(comm, "  information from the heads        %10.1f nats, %.1f bits; expected %.1f nats\n",
                        (double)gain, (double)(gain / PetscLogReal(2.0)), (double)expected));
  PetscCall(PetscPrintf(comm,
                        "  standard deviation of ln T        %10.3f  RMS over nodes, %.3f in the prior; least %.3f\n",
                        (double)PetscSqrtReal(PetscRealPart(sum[1]) / nodes),
                        (double)PetscSqrtReal(PetscRealPart(sum[0]) / nodes), (double)PetscSqrtReal(least)));
  PetscFunctionReturn(0);
}

/* log10 of T: mean and standard deviations, and samples of T over the prior mean */
static PetscErrorCode FillFields(Inversion *inv, DiniPosterior post, Mat L, Vec prior, Vec posterior,
                                 Vec fields[FIELDS])
{
  const PetscReal e = PetscLogReal(10.0);
  Vec             x;

  PetscFunctionBeginUser;
  for (PetscInt f = 0; f < FIELDS; f++) PetscCall(VecDuplicate(inv->flow.m, &fields[f]));
  PetscCall(VecCopy(inv->flow.m, fields[0]));
  PetscCall(VecCopy(posterior, fields[1]));
  PetscCall(VecCopy(prior, fields[2]));
  for (PetscInt f = 1; f < 3; f++) PetscCall(VecSqrtAbs(fields[f]));
  PetscCall(VecDuplicate(inv->x, &x));
  for (PetscInt k = 0; k < SAMPLES; k++) {
    PetscCall(DiniPosteriorSample(post, k, x));
    PetscCall(MatMult(L, x, fields[3 + k]));
    PetscCall(VecAXPY(fields[3 + k], 1.0, inv->flow.m));
  }
  PetscCall(VecDestroy(&x));
  for (PetscInt f = 0; f < FIELDS; f++) {
    if (f == 0 || f >= 3) PetscCall(VecShift(fields[f], -inv->options->m_mean));
    PetscCall(VecScale(fields[f], 1 / e));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode WriteSpectrum(Inversion *inv, DiniPosterior post)
{
  const PetscInt   cells[2] = {inv->grid.nx - 1, inv->grid.ny - 1};
  char             name[64];
  const PetscReal *lambda;
  PetscInt         n;
  PetscViewer      viewer;

  PetscFunctionBeginUser;
  PetscCall(OutputSpectrumName(cells, name, sizeof(name)));
  PetscCall(OutputOpen(inv, name, &viewer));
  PetscCall(DiniPosteriorGetEigenvalues(post, &n, &lambda, NULL));
  PetscCall(PetscViewerASCIIPrintf(viewer, "# number, eigenvalue of the misfit's Hessian relative to the prior\n"));
  for (PetscInt j = 0; j < n; j++)
    PetscCall(PetscViewerASCIIPrintf(viewer, "%" PetscInt_FMT " %.8g\n", j + 1, (double)lambda[j]));
  PetscCall(OutputClose(&viewer));
  PetscFunctionReturn(0);
}

static PetscErrorCode Write(Inversion *inv, DiniPosterior post, Mat L, Vec prior, Vec posterior)
{
  const char *names[FIELDS] = {"log10_transmissivity_over_mean",
                               "log10_transmissivity_std",
                               "log10_transmissivity_prior_std",
                               "sample_1",
                               "sample_2",
                               "sample_3"};
  PetscInt    skip[FIELDS];
  PetscReal   most, size = 0;
  PetscViewer viewer;
  Vec         fields[FIELDS];

  PetscFunctionBeginUser;
  PetscCall(FillFields(inv, post, L, prior, posterior, fields));
  PetscCall(VecMax(fields[2], NULL, &most));
  for (PetscInt f = 3; f < FIELDS; f++) {
    PetscReal norm;

    PetscCall(VecNorm(fields[f], NORM_INFINITY, &norm));
    size = PetscMax(size, norm);
  }
  PetscCall(OutputFields(inv, "posterior.vtk", FIELDS, names, fields, skip));
  PetscCall(OutputOpen(inv, "posterior.gp", &viewer));
  PetscCall(PetscViewerASCIIPrintf(viewer, "std_skip = %" PetscInt_FMT "; std_max = %.3g; sample_max = %.3g\n", skip[1],
                                   (double)most, (double)size));
  PetscCall(PetscViewerASCIIPrintf(viewer, "sample_skip_0 = %" PetscInt_FMT "\n", skip[0])); /* the estimate */
  for (PetscInt k = 0; k < SAMPLES; k++)
    PetscCall(
        PetscViewerASCIIPrintf(viewer, "sample_skip_%" PetscInt_FMT " = %" PetscInt_FMT "\n", k + 1, skip[3 + k]));
  PetscCall(OutputClose(&viewer));
  PetscCall(WriteSpectrum(inv, post));
  PetscCall(PetscPrintf(PetscObjectComm((PetscObject)post), "written: %s/posterior.vtk and plot data\n",
                        inv->options->output));
  PetscFunctionReturn(0);
}

/* After the inversion, whose estimate moves to the minimum */
PetscErrorCode PosteriorRun(Inversion *inv, const Wells *wells)
{
  DiniPosterior post;
  Mat           L;
  Vec           prior, posterior;

  PetscFunctionBeginUser;
  PetscCall(PosteriorCreate(inv, &post));
  PetscCall(CreateFieldMap(inv, &L));
  PetscCall(VecDuplicate(inv->flow.m, &prior));
  PetscCall(VecDuplicate(inv->flow.m, &posterior));
  PetscCall(FieldVariances(inv, post, L, prior, posterior));
  PetscCall(Report(inv, post, prior, posterior));
  if (inv->options->check_posterior) PetscCall(PosteriorCheck(inv, wells, post, L, posterior));
  if (inv->options->output[0]) PetscCall(Write(inv, post, L, prior, posterior));
  PetscCall(VecDestroy(&posterior));
  PetscCall(VecDestroy(&prior));
  PetscCall(MatDestroy(&L));
  PetscCall(DiniPosteriorDestroy(&post));
  PetscFunctionReturn(0);
}
