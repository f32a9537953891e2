/* The options of the example, with their defaults and units. */
#include "aquifer.h"

static const AquiferOptions defaults = {.wells             = AQUIFER_WELLS,
                                        .cells             = {128, 96},
                                        .margin            = 30,
                                        .head_error        = 30,
                                        .m_sigma           = 2,
                                        .m_length          = 60,
                                        .boundary_sigma    = 100,
                                        .boundary_length   = 200,
                                        .weight            = 1,
                                        .match             = PETSC_TRUE,
                                        .match_tolerance   = 0.02,
                                        .compare_gatol     = 1e-5,
                                        .posterior_hessian = DINI_HESSIAN_GAUSS_NEWTON};

static PetscErrorCode Positive(MPI_Comm comm, const char option[], PetscReal value)
{
  PetscFunctionBeginUser;
  PetscCheck(value > 0, comm, PETSC_ERR_USER_INPUT, "%s is %g: it must be positive", option, (double)value);
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckValues(MPI_Comm comm, const AquiferOptions *o)
{
  PetscFunctionBeginUser;
  PetscCheck(o->cells[0] >= 4 && o->cells[1] >= 4, comm, PETSC_ERR_USER_INPUT,
             "-aquifer_cells: %" PetscInt_FMT ",%" PetscInt_FMT " is too small, at least 4,4 is needed", o->cells[0],
             o->cells[1]);
  PetscCheck(!o->has_domain || (o->domain[0] < o->domain[1] && o->domain[2] < o->domain[3]), comm, PETSC_ERR_USER_INPUT,
             "-aquifer_domain: expected x0 < x1 and y0 < y1");
  PetscCheck(o->levels >= 0, comm, PETSC_ERR_USER_INPUT, "-aquifer_levels must not be negative");
  PetscCheck(o->folds == 0 || o->folds >= 2, comm, PETSC_ERR_USER_INPUT,
             "-aquifer_crossvalidate needs 2 folds or more");
  PetscCall(Positive(comm, "-aquifer_head_error", o->head_error));
  PetscCall(Positive(comm, "-aquifer_m_sigma", o->m_sigma));
  PetscCall(Positive(comm, "-aquifer_m_length", o->m_length));
  PetscCall(Positive(comm, "-aquifer_boundary_sigma", o->boundary_sigma));
  PetscCall(Positive(comm, "-aquifer_boundary_length", o->boundary_length));
  PetscCall(Positive(comm, "-aquifer_weight", o->weight));
  PetscCall(Positive(comm, "-aquifer_match_tolerance", o->match_tolerance));
  PetscFunctionReturn(0);
}

/* What the example's own checks and comparisons ask for */
static PetscErrorCode GetChecks(MPI_Comm comm, AquiferOptions *o)
{
  PetscFunctionBeginUser;
  PetscOptionsBegin(comm, NULL, "Aquifer inversion: its checks of itself", "");
  PetscCall(PetscOptionsReal("-aquifer_compare_gatol", "gradient norm at which methods are compared", "",
                             o->compare_gatol, &o->compare_gatol, NULL));
  PetscCall(PetscOptionsEnum("-aquifer_posterior_hessian", "Hessian of the posterior", "", DiniHessianTypes,
                             (PetscEnum)o->posterior_hessian, (PetscEnum *)&o->posterior_hessian, NULL));
  PetscCall(PetscOptionsBool("-aquifer_check_forward", "uniform transmissivity gives a plane", "", o->check_forward,
                             &o->check_forward, NULL));
  PetscCall(PetscOptionsBool("-aquifer_check_prior", "the priors' standard deviations", "", o->check_prior,
                             &o->check_prior, NULL));
  PetscCall(PetscOptionsInt("-aquifer_check_interrupt", "iteration in which a signal arrives, 0: none", "",
                            o->check_interrupt, &o->check_interrupt, NULL));
  PetscCall(PetscOptionsBool("-aquifer_check_posterior", "its variances, by the wells' covariance", "",
                             o->check_posterior, &o->check_posterior, NULL));
  PetscCall(PetscOptionsString("-aquifer_gradient_write", "file for the gradient at a rough point", "",
                               o->gradient_write, o->gradient_write, sizeof(o->gradient_write), NULL));
  PetscCall(PetscOptionsString("-aquifer_gradient_compare", "such a file, to compare with", "", o->gradient_compare,
                               o->gradient_compare, sizeof(o->gradient_compare), NULL));
  PetscOptionsEnd();
  PetscFunctionReturn(0);
}

/* An option that nobody has read is mistyped: an error, so that nobody takes a run with defaults for another. Before the
   run, ours alone; after it, those of PETSc and Dini too, but for what PetscFinalize() reads */
PetscErrorCode AquiferOptionsCheck(MPI_Comm comm, PetscBool after)
{
  const char *const last[] = {"options_", "malloc_", "log_", "objects_dump", "memory_", "get_total_flops", "mpidump"};
  PetscInt          n;
  char            **names, **values;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsLeftGet(NULL, &n, &names, &values));
  for (PetscInt i = 0; i < n; i++) {
    PetscBool ours, known = PETSC_FALSE;

    PetscCall(PetscStrbeginswith(names[i], "aquifer", &ours));
    for (size_t k = 0; k < PETSC_STATIC_ARRAY_LENGTH(last) && !known; k++)
      PetscCall(PetscStrbeginswith(names[i], last[k], &known));
    PetscCheck(known || !(ours || after), comm, PETSC_ERR_USER_INPUT,
               "unknown option -%s: nothing has read it; -help lists those of this program", names[i]);
  }
  PetscCall(PetscOptionsLeftRestore(NULL, &n, &names, &values));
  PetscFunctionReturn(0);
}

/* PETSc drops numbers beyond those it is asked for */
static PetscErrorCode CheckCount(MPI_Comm comm, const char option[], PetscInt expected, const char numbers[])
{
  PetscReal value[16];
  PetscInt  n = PETSC_STATIC_ARRAY_LENGTH(value);
  PetscBool set;

  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetRealArray(NULL, NULL, option, value, &n, &set));
  PetscCheck(!set || n == expected, comm, PETSC_ERR_USER_INPUT, "%s: expected %s", option, numbers);
  PetscFunctionReturn(0);
}

PetscErrorCode AquiferOptionsGet(MPI_Comm comm, AquiferOptions *o)
{
  PetscInt two = 2, four = 4;

  PetscFunctionBeginUser;
  *o = defaults;
  PetscOptionsBegin(comm, NULL, "Aquifer inversion", "");
  PetscCall(PetscOptionsString("-aquifer_wells", "CSV file with rows x_km,y_km,head_m", "", o->wells, o->wells,
                               sizeof(o->wells), NULL));
  PetscCall(PetscOptionsString("-aquifer_output", "existing directory for fields and plot data", "", o->output,
                               o->output, sizeof(o->output), NULL));
  PetscCall(PetscOptionsIntArray("-aquifer_cells", "cells in x and y", "", o->cells, &two, NULL));
  PetscCall(
      PetscOptionsInt("-aquifer_levels", "grids from coarse to fine, 0: automatic", "", o->levels, &o->levels, NULL));
  PetscCall(PetscOptionsReal("-aquifer_margin", "margin around the wells (km)", "", o->margin, &o->margin, NULL));
  PetscCall(PetscOptionsRealArray("-aquifer_domain", "x0,x1,y0,y1 (km), instead of the wells' box and the margin", "",
                                  o->domain, &four, &o->has_domain));
  PetscCall(PetscOptionsReal("-aquifer_head_error", "standard deviation of the measured heads (m)", "", o->head_error,
                             &o->head_error, NULL));
  PetscCall(PetscOptionsReal("-aquifer_m_mean", "prior mean of m = ln T", "", o->m_mean, &o->m_mean, NULL));
  PetscCall(PetscOptionsReal("-aquifer_m_sigma", "prior standard deviation of m", "", o->m_sigma, &o->m_sigma, NULL));
  PetscCall(
      PetscOptionsReal("-aquifer_m_length", "prior correlation length of m (km)", "", o->m_length, &o->m_length, NULL));
  PetscCall(PetscOptionsReal("-aquifer_boundary_sigma", "prior standard deviation of the boundary heads (m)", "",
                             o->boundary_sigma, &o->boundary_sigma, NULL));
  PetscCall(PetscOptionsReal("-aquifer_boundary_length", "prior correlation length of the boundary heads (km)", "",
                             o->boundary_length, &o->boundary_length, NULL));
  PetscCall(PetscOptionsReal("-aquifer_weight", "weight of the prior, or the first one tried", "", o->weight,
                             &o->weight, NULL));
  PetscCall(PetscOptionsBool("-aquifer_match_error", "adapt the weight until the RMS misfit is the head error", "",
                             o->match, &o->match, NULL));
  PetscCall(PetscOptionsReal("-aquifer_match_tolerance", "relative distance accepted between the two", "",
                             o->match_tolerance, &o->match_tolerance, NULL));
  PetscCall(PetscOptionsInt("-aquifer_crossvalidate", "number of folds, 0: none", "", o->folds, &o->folds, NULL));
  PetscCall(PetscOptionsBool("-aquifer_posterior", "Laplace approximation of the posterior", "", o->posterior,
                             &o->posterior, NULL));
  PetscCall(PetscOptionsBool("-aquifer_compare", "methods of first and of second order, from the same start", "",
                             o->compare, &o->compare, NULL));
  PetscCall(PetscOptionsBool("-aquifer_quiet", "no line per iteration", "", o->quiet, &o->quiet, NULL));
  PetscOptionsEnd();
  PetscCall(GetChecks(comm, o));
  PetscCall(AquiferOptionsCheck(comm, PETSC_FALSE));
  PetscCall(CheckCount(comm, "-aquifer_cells", 2, "two numbers, as in 128,96"));
  PetscCall(CheckCount(comm, "-aquifer_domain", 4, "x0,x1,y0,y1 in km"));
#if !defined(AQUIFER_POSTERIOR)
  PetscCheck(
      !o->posterior, comm, PETSC_ERR_SUP,
      "-aquifer_posterior: this Dini has been built without SLEPc, which finds the eigenpairs; install SLEPc for "
      "this PETSc and configure again with -DDINI_SLEPC=ON");
#endif
  PetscCall(CheckValues(comm, o));
  PetscFunctionReturn(0);
}
