/* The aquifer example: what its files share. Lengths are in km, heads in m. */
#pragma once
#include <petscdmda.h>
#include <dini.h>

#if PETSC_VERSION_LT(3, 21, 0)
  #define TaoMonitorSet TaoSetMonitor
#endif

/* what the options database says, see options.c */
typedef struct {
  char            wells[PETSC_MAX_PATH_LEN];  /* CSV file: x_km,y_km,head_m */
  char            output[PETSC_MAX_PATH_LEN]; /* directory for fields and plot data; empty: none */
  PetscInt        cells[2];
  PetscInt        levels; /* grids in the sequence; 0: as many as sensible */
  PetscReal       margin; /* km around the wells' bounding box */
  PetscReal       domain[4];
  PetscBool       has_domain;
  PetscReal       head_error; /* m, standard deviation of a head measurement against the model */
  PetscReal       m_mean, m_sigma, m_length;
  PetscReal       boundary_sigma, boundary_length;
  PetscReal       weight; /* of the prior against the misfit */
  PetscBool       match;  /* adapt the weight until the misfit is head_error */
  PetscReal       match_tolerance;
  PetscInt        folds;
  PetscBool       quiet;
  PetscBool       posterior; /* its Laplace approximation, see posterior.c */
  PetscBool       compare;   /* first-order methods against Newton, see compare.c */
  PetscReal       compare_gatol;
  PetscBool       check_forward, check_prior, check_posterior;
  PetscInt        check_interrupt; /* a signal in this iteration, see interrupt.c */
  char            gradient_write[PETSC_MAX_PATH_LEN], gradient_compare[PETSC_MAX_PATH_LEN]; /* see selfcheck.c */
  DiniHessianType posterior_hessian;
} AquiferOptions;

typedef struct {
  PetscReal x, y, head;
  PetscInt  line; /* in the file, for messages */
  PetscBool used; /* false: held out for validation */
} Well;

typedef struct {
  PetscInt    n;
  Well       *well; /* the same on every rank: a few numbers per well */
  const char *file;
} Wells;

/* head = a + b (x - x0) + c (y - y0) */
typedef struct {
  PetscReal x0, y0, a, b, c, rms;
} Trend;

/* nodes of a uniform grid, and the ring of boundary nodes, numbered rank after rank by the owners of the nodes */
typedef struct {
  DM        da;
  PetscInt  nx, ny, xs, ys, xm, ym;
  PetscReal domain[4], dx, dy;
  PetscInt  nb;
  PetscInt *bnode;  /* place of each of this rank's boundary nodes in its part of a field */
  Vec       number; /* ghosted field: number of the boundary node, -1 inside */
} Grid;

/* A(m) h = b(m, hb), and the two parameters in physical units */
typedef struct {
  Grid     *grid;
  Mat       A;
  Vec       b, head;
  Vec       m, hb;   /* log-transmissivity on the nodes; heads (m) on the boundary nodes */
  Vec       hbfield; /* hb on the grid, zero inside */
  PetscReal diagonal;
  KSP       ksp;
} Flow;

/* Gaussian with covariance S S^T, S = scale K^{-1} M^{1/2}, K = kappa^2 M - Laplacian */
typedef struct {
  Mat       K;
  Vec       rootmass, mean, work;
  PetscReal scale, kappa, robin;
  KSP       ksp;
} Prior;

/* B interpolates a head field at the wells; a well belongs to the rank that owns its lower left node */
typedef struct {
  Mat       B;
  Vec       data, used, residual; /* residual: model - data in m, at all wells */
  PetscInt *id;                   /* which well each of this rank's rows is */
  PetscInt  n, total;
} Observation;

/* a parameter block: value = mean + S xi, and the unknowns xi in which the prior is standard normal */
typedef struct {
  Flow *flow;
  Prior prior;
  Vec   xi, value, work; /* value is the flow's own m or hb */
} Block;

enum { FIELD, BOUNDARY, BLOCKS };

/* one grid of the sequence */
typedef struct {
  const AquiferOptions *options;
  Trend                 trend;
  Grid                  grid;
  Flow                  flow;
  Observation           observation;
  Block                 block[BLOCKS];
  PetscReal             weight; /* of the prior */
  PetscReal             rms;    /* of the misfit at the last head evaluated, m */
  Dini                  dini;
  Tao                   tao;
  Vec                   x; /* both xi, flat, as Tao takes them */
  PetscInt              iterations;
  DiniStatistics        shown;  /* when the monitor printed last */
  int                   signal; /* that has ended the optimisation, or 0 */
} Inversion;

/* what a run leaves behind for the final table */
typedef struct {
  PetscReal      rms_before, rms_after, weight, seconds;
  PetscInt       iterations, grids, cells[2];
  PetscBool      matched;
  int            signal;     /* that has ended it, or 0 */
  DiniStatistics statistics; /* summed over the grids */
} Summary;

/* of the intervals predicted at wells held out, see coverage.c */
enum {
  COVERAGE_LEVELS   = 4,                   /* first the wells inside intervals, then those inside the head error's */
  COVERAGE_RELATIVE = 2 * COVERAGE_LEVELS, /* squares of errors over standard deviations */
  COVERAGE_SIGMA,                          /* standard deviations */
  COVERAGE_ERROR,                          /* squares of errors */
  COVERAGE_SUMS
};

typedef struct {
  PetscReal sums[COVERAGE_SUMS];
  PetscInt  n; /* wells */
} Coverage;

PetscErrorCode AquiferOptionsGet(MPI_Comm, AquiferOptions *);
PetscErrorCode AquiferOptionsCheck(MPI_Comm, PetscBool after);
PetscErrorCode WellsRead(MPI_Comm, const char[], Wells *);
PetscErrorCode WellsCheckScale(MPI_Comm, const Wells *, const AquiferOptions *);
PetscErrorCode WellsGetDomain(MPI_Comm, const Wells *, const AquiferOptions *, PetscReal[4]);
PetscErrorCode WellsDestroy(Wells *);
PetscErrorCode PlacesSpread(const Wells *, PetscReal *, PetscInt *);
PetscErrorCode PlacesCheck(MPI_Comm, const AquiferOptions *, const Wells *);
PetscErrorCode TrendFit(MPI_Comm, const Wells *, Trend *);
PetscReal      TrendAt(const Trend *, PetscReal, PetscReal);

PetscErrorCode GridCreate(MPI_Comm, const PetscReal[4], const PetscInt[2], Grid *);
PetscErrorCode GridRefine(const Grid *, Grid *);
PetscErrorCode GridDestroy(Grid *);
PetscErrorCode GridCreateBoundaryVec(const Grid *, Vec *);
PetscErrorCode GridBoundaryToField(const Grid *, Vec, Vec);
PetscErrorCode GridFieldToBoundary(const Grid *, Vec, Vec);
void           GridGetBoundaryPoint(const Grid *, PetscInt, PetscInt *, PetscInt *);
PetscBool      GridOnBoundary(const Grid *, PetscInt, PetscInt);

PetscErrorCode FlowCreate(Grid *, const AquiferOptions *, Flow *);
PetscErrorCode FlowDestroy(Flow *);
PetscErrorCode FlowAssemble(Dini, Mat, Mat, Vec, void *);
PetscErrorCode FlowFieldDerivative(Flow *, Vec, Vec, Vec);
PetscErrorCode FlowFieldAdjoint(Flow *, Vec, Vec, Vec);
PetscErrorCode FlowBoundaryDerivative(Flow *, Vec, Vec);
PetscErrorCode FlowBoundaryAdjoint(Flow *, Vec, Vec);
PetscErrorCode FlowCurvature(Flow *, Vec, Vec, Vec, Vec, Vec, Vec);

PetscErrorCode PriorCreateField(const Grid *, PetscReal, PetscReal, Prior *);
PetscErrorCode PriorCreateBoundary(const Grid *, PetscReal, PetscReal, Prior *);
PetscErrorCode PriorApply(Prior *, Vec, Vec);
PetscErrorCode PriorApplyAdjoint(Prior *, Vec, Vec);
PetscErrorCode PriorFieldVariance(const Grid *, const Prior *, Vec);
PetscErrorCode PriorDestroy(Prior *);

PetscErrorCode ObservationCreate(const Grid *, const Wells *, Observation *);
PetscErrorCode ObservationMisfit(Observation *, Vec, PetscReal *);
PetscErrorCode ObservationMisfitGradient(Observation *, PetscReal, Vec);
PetscErrorCode ObservationMisfitHessian(Observation *, PetscReal, Vec, Vec);
PetscErrorCode ObservationDestroy(Observation *);

PetscErrorCode BlocksAdd(Inversion *);
PetscErrorCode BlocksProlong(Inversion *, Inversion *);
PetscErrorCode BlocksDestroy(Inversion *);
PetscErrorCode BlocksCurvature(Dini, Vec, Vec, Vec, Vec, Vec, Vec, void *);

PetscErrorCode InversionCreate(MPI_Comm, const AquiferOptions *, const Wells *, Inversion *, Inversion **);
PetscErrorCode InversionEvaluate(Inversion *, PetscReal *, Vec);
PetscErrorCode InversionSolve(Inversion *);
PetscErrorCode InversionRun(MPI_Comm, const AquiferOptions *, const Wells *, Inversion **, Summary *);
PetscErrorCode InversionDestroy(Inversion **);

void           InterruptWatch(PetscBool);
PetscErrorCode InterruptGet(MPI_Comm, int *);
PetscErrorCode InterruptTest(Tao, void *);

PetscErrorCode ReportHeader(Inversion *);
PetscErrorCode ReportMonitor(Tao, void *);
PetscErrorCode ReportSummary(MPI_Comm, const AquiferOptions *, const Wells *, const Summary *);
PetscErrorCode OutputSpectrumName(const PetscInt[2], char[], size_t);
PetscErrorCode OutputCheck(MPI_Comm, const AquiferOptions *);
PetscErrorCode OutputWrite(Inversion *, const Wells *);
PetscErrorCode OutputFields(Inversion *, const char[], PetscInt, const char *const[], Vec[], PetscInt[]);
PetscErrorCode OutputOpen(Inversion *, const char[], PetscViewer *);
PetscErrorCode OutputClose(PetscViewer *);
PetscErrorCode MinimiserCreate(Inversion *, TaoType, Vec, PetscReal, const char[], Tao *);
PetscErrorCode PosteriorRun(Inversion *, const Wells *);
PetscErrorCode CoverageAdd(Inversion *, const Wells *, Coverage *);
PetscErrorCode CoverageReport(MPI_Comm, const Coverage *);
PetscErrorCode CompareMethods(Inversion *);
PetscErrorCode CrossValidateCheck(MPI_Comm, const AquiferOptions *, const Wells *);
PetscErrorCode CrossValidate(MPI_Comm, const AquiferOptions *, const Wells *);
PetscErrorCode CheckFromOptions(MPI_Comm, const AquiferOptions *, const Wells *, PetscBool *);
