/* The whole inversion: grids from coarse to fine, and on each the weight of the prior at which the RMS misfit is the
   head error (Morozov's discrepancy principle). The misfit grows with the weight, so a root of

     log(rms(weight)/head_error) = 0

   in log(weight) is bracketed by secants and found by regula falsi; every trial starts from the last minimum. */
#include "aquifer.h"

enum { MAX_TRIALS = 15, MAX_GRIDS = 16, SMALLEST_X = 48, SMALLEST_Y = 32 };

typedef struct {
  PetscReal at[2], value[2]; /* log(weight) with a misfit too small, and too large */
  PetscBool known[2];
  PetscReal slope; /* while one side is unknown */
  PetscInt  last;  /* the side of the last trial */
} Bracket;

/* Files the last trial, and proposes log(weight) for the next */
static PetscReal NextTrial(Bracket *b, PetscReal at, PetscReal value)
{
  const PetscInt side = value < 0 ? 0 : 1, other = 1 - side;

  if (b->known[other] && b->last == side) b->value[other] *= 0.5; /* Illinois: do not let one end stand still */
  if (!b->known[other] && b->known[side])                         /* secant, but no flatter than 1/8 */
    b->slope = PetscMax((value - b->value[side]) / (at - b->at[side]), 0.125);
  b->at[side]    = at;
  b->value[side] = value;
  b->known[side] = PETSC_TRUE;
  b->last        = side;
  if (!b->known[other]) return at - PetscClipInterval(value / b->slope, -3.0, 3.0); /* at most a factor of 20 */
  return (b->at[0] * b->value[1] - b->at[1] * b->value[0]) / (b->value[1] - b->value[0]);
}

static PetscErrorCode Match(Inversion *inv, PetscBool *matched)
{
  const AquiferOptions *o       = inv->options;
  Bracket               bracket = {.slope = 0.25, .last = -1};

  PetscFunctionBeginUser;
  for (PetscInt trial = 0; trial < MAX_TRIALS; trial++) {
    PetscReal miss;

    PetscCall(InversionSolve(inv));
    if (inv->signal) break;
    miss     = PetscLogReal(inv->rms / o->head_error);
    *matched = (PetscBool)(PetscAbsReal(miss) <= o->match_tolerance);
    if (*matched || !o->match) break;
    inv->weight = PetscExpReal(NextTrial(&bracket, PetscLogReal(inv->weight), miss));
    if (inv->weight < 1e-6 || inv->weight > 1e6) break; /* no weight fits: the final table says so */
  }
  PetscFunctionReturn(0);
}

static void AddStatistics(DiniStatistics *sum, const DiniStatistics *s)
{
  sum->forward_solves += s->forward_solves;
  sum->forward_iterations += s->forward_iterations;
  sum->forward_failures += s->forward_failures;
  sum->jacobian_assemblies += s->jacobian_assemblies;
  sum->pc_setups += s->pc_setups;
  sum->adjoint_solves += s->adjoint_solves;
  sum->adjoint_iterations += s->adjoint_iterations;
  sum->forward_seconds += s->forward_seconds;
  sum->adjoint_seconds += s->adjoint_seconds;
  sum->adjoint_residual = PetscMax(sum->adjoint_residual, s->adjoint_residual);
}

static PetscErrorCode Collect(Inversion *inv, Summary *summary)
{
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniGetStatistics(inv->dini, &s));
  AddStatistics(&summary->statistics, &s);
  summary->iterations += inv->iterations;
  summary->grids++;
  summary->weight    = inv->weight;
  summary->rms_after = inv->rms;
  summary->signal    = inv->signal;
  summary->cells[0]  = inv->grid.nx - 1;
  summary->cells[1]  = inv->grid.ny - 1;
  PetscFunctionReturn(0);
}

/* How often the cells can be halved with a sensible grid left */
static PetscErrorCode CountGrids(MPI_Comm comm, const AquiferOptions *o, PetscInt *grids)
{
  PetscInt nx = o->cells[0], ny = o->cells[1], n = 1;

  PetscFunctionBeginUser;
  *grids = o->levels;
  if (o->levels == 0) {
    while (n < MAX_GRIDS && nx % 2 == 0 && ny % 2 == 0 && nx / 2 >= SMALLEST_X && ny / 2 >= SMALLEST_Y)
      nx /= 2, ny /= 2, n++;
    *grids = n;
  }
  PetscCheck(*grids <= MAX_GRIDS && nx % (1 << (o->levels ? o->levels - 1 : 0)) == 0 &&
                 ny % (1 << (o->levels ? o->levels - 1 : 0)) == 0,
             comm, PETSC_ERR_USER_INPUT,
             "-aquifer_levels %" PetscInt_FMT ": %" PetscInt_FMT " x %" PetscInt_FMT
             " cells cannot be halved that often",
             o->levels, o->cells[0], o->cells[1]);
  PetscFunctionReturn(0);
}

/* Gives the inversion on the finest grid, at its minimum; or on the one that a signal has ended it on */
PetscErrorCode InversionRun(MPI_Comm comm, const AquiferOptions *options, const Wells *wells, Inversion **result,
                            Summary *summary)
{
  AquiferOptions coarsest = *options;
  Inversion     *coarse   = NULL;
  PetscInt       grids;
  PetscLogDouble start, end;

  PetscFunctionBeginUser;
  PetscCall(PetscTime(&start));
  PetscCall(PetscMemzero(summary, sizeof(*summary)));
  PetscCall(CountGrids(comm, options, &grids));
  for (PetscInt k = 0; k < 2; k++) coarsest.cells[k] = options->cells[k] >> (grids - 1);
  for (PetscInt k = 0; k < grids; k++) {
    Inversion *inv;

    PetscCall(InversionCreate(comm, k ? options : &coarsest, wells, coarse, &inv));
    inv->options = options;
    PetscCall(InversionDestroy(&coarse));
    PetscCall(Match(inv, &summary->matched));
    PetscCall(Collect(inv, summary));
    summary->rms_before = inv->trend.rms;
    coarse              = inv;
    if (summary->signal) break;
  }
  PetscCall(PetscTime(&end));
  summary->seconds = (PetscReal)(end - start);
  *result          = coarse;
  PetscFunctionReturn(0);
}
