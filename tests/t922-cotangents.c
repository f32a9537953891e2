static char help[] = "Near an optimum, where little is left of dJ/du = u - d, an error of u is a large one of the "
                     "gradient: reported to\n"
                     "a factor of ten, for one evaluation of dJ/du at the points where the state is measured.\n";

#include "support/bent.h"

typedef struct {
  PetscReal target, power; /* sum of |u - target|^power / power */
  PetscInt  gradients;
  PetscBool inside; /* the gradient takes a derivative itself */
  Vec       v, w;
} Misfit;

static PetscErrorCode Value(Dini dini, Vec u, PetscReal *value, void *ctx)
{
  Misfit *f = (Misfit *)ctx;
  Vec     d;

  PetscFunctionBeginUser;
  (void)dini;
  PetscCall(VecDuplicate(u, &d));
  PetscCall(VecCopy(u, d));
  PetscCall(VecShift(d, -f->target));
  PetscCall(VecNorm(d, NORM_2, value));
  if (f->power == 2.0) *value = *value * *value / 2.0;
  else { /* all entries are alike */ PetscInt N;

    PetscCall(VecGetSize(u, &N));
    *value = (PetscReal)N * PetscPowReal(*value / PetscSqrtReal((PetscReal)N), f->power) / f->power;
  }
  PetscCall(VecDestroy(&d));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Gradient(Dini dini, Vec u, Vec dJdu, Vec dJdm, void *ctx)
{
  Misfit   *f = (Misfit *)ctx;
  PetscReal norm;
  PetscInt  N;

  PetscFunctionBeginUser;
  (void)dJdm;
  f->gradients++;
  if (f->inside) PetscCall(DiniVJP(dini, f->v, f->w));
  PetscCall(VecCopy(u, dJdu));
  PetscCall(VecShift(dJdu, -f->target));
  PetscCall(VecGetSize(u, &N));
  PetscCall(VecNorm(dJdu, NORM_2, &norm));
  if (f->power != 2.0) PetscCall(VecScale(dJdu, PetscPowReal(norm / PetscSqrtReal((PetscReal)N), f->power - 2.0)));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The gradient at m of a state that the SNES takes from start; what the truth is, its relative error and the report */
static PetscErrorCode At(Bent *b, Misfit *f, PetscReal m, PetscBool block, PetscReal *error, PetscReal *reported)
{
  const PetscReal left  = BentState(b->kind, m) - f->target;
  const PetscReal right = BentSlope(b->kind, m) * left * PetscPowReal(PetscAbsReal(left), f->power - 2.0);
  PetscReal       value;
  PetscInt        n;
  DiniStatistics  s;
  Vec             flat, g;
  Mat             G = NULL;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(b->dini, &flat));
  PetscCall(VecDuplicate(flat, &g));
  PetscCall(VecSet(flat, m));
  if (block) {
    PetscCall(VecGetLocalSize(flat, &n));
    PetscCall(MatCreateDense(PETSC_COMM_WORLD, n, PETSC_DECIDE, PETSC_DETERMINE, 1, NULL, &G));
    PetscCall(DiniComputeObjectives(b->dini, flat, &value, G));
    PetscCall(MatGetColumnVector(G, g, 0));
    PetscCall(MatDestroy(&G));
  } else PetscCall(DiniComputeObjectiveAndGradient(b->dini, flat, &value, g));
  PetscCall(VecShift(g, -right));
  PetscCall(VecNorm(g, NORM_INFINITY, error));
  *error /= PetscAbsReal(right);
  PetscCall(DiniGetStatistics(b->dini, &s));
  *reported = s.gradient_error;
  PetscCall(VecDestroy(&flat));
  PetscCall(VecDestroy(&g));
  PetscFunctionReturn(PETSC_SUCCESS);
}

typedef struct {
  BentKind  kind;
  PetscReal m, start, rtol, near, power;
  PetscBool block, polish;
} Case;

static PetscErrorCode Begin(const Case *c, Bent *b, Misfit *f)
{
  PetscFunctionBeginUser;
  *f = (Misfit){.power = c->power, .target = BentState(c->kind, c->m) + c->near};
  PetscCall(BentCreate(c->kind, 4, c->rtol, b));
  PetscCall(DiniSetPolish(b->dini, c->polish));
  PetscCall(VecSet(b->m, c->m));
  PetscCall(VecSet(b->u, BentState(c->kind, c->start)));
  if (c->block) PetscCall(DiniAddObjective(b->dini, "misfit", Value, Gradient, f, NULL));
  else PetscCall(DiniSetObjective(b->dini, Value, Gradient, f));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Points as of an optimiser: nearer and nearer the optimum, each from the state before it */
static PetscErrorCode Approach(const Case *c)
{
  Bent      b;
  Misfit    f;
  PetscReal error, reported;

  PetscFunctionBeginUser;
  PetscCall(Begin(c, &b, &f));
  for (int k = 0; k < 4; k++) {
    const PetscReal m = c->m * (1.0 + (k == 3 ? 0.0 : 0.1 / PetscPowReal(10.0, k)));

    PetscCall(At(&b, &f, m, c->block, &error, &reported));
    DiniTestTrue(error <= 10.0 * PetscMax(reported, 2e-10) && reported <= 10.0 * PetscMax(error, 2e-10),
                 "kind %d, rtol %g, %g from the optimum, power %g%s%s, point %d: off by %g, reported %g", (int)c->kind,
                 (double)c->rtol, (double)c->near, (double)c->power, c->block ? ", block" : "",
                 c->polish ? ", polished" : "", k, (double)error, (double)reported);
  }
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One evaluation more at the first point, the fourth, the sixteenth, and for nothing else */
static PetscErrorCode Cost(PetscBool inside)
{
  const Case c = {.kind = BENT_LOG, .m = 1.0, .start = 1.5, .rtol = 1e-10, .near = 1.0, .power = 2.0};
  Bent       b;
  Misfit     f;
  PetscReal  error, reported;
  PetscInt   expected = 0;

  PetscFunctionBeginUser;
  PetscCall(Begin(&c, &b, &f));
  PetscCall(SNESSetLagJacobian(b.snes, 20)); /* so that Newton leaves what it has been asked for, and no less */
  f.inside = inside;
  PetscCall(VecDuplicate(b.u, &f.v));
  PetscCall(VecDuplicate(b.u, &f.w));
  PetscCall(VecSet(f.v, 1.0));
  for (int k = 1; k <= 6; k++) {
    const PetscReal m = 1.0 + 0.01 * (PetscReal)k;

    PetscCall(At(&b, &f, m, PETSC_FALSE, &error, &reported));
    expected += !inside && (k == 1 || k == 4) ? 2 : 1;
    DiniTestCount(f.gradients, expected, "evaluations of dJ/du");
    PetscCall(At(&b, &f, m, PETSC_FALSE, &error, &reported));
    DiniTestCount(f.gradients, ++expected, "evaluations of dJ/du after a second gradient");
  }
  PetscCall(VecDestroy(&f.v));
  PetscCall(VecDestroy(&f.w));
  PetscCall(BentDestroy(&b));
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  const Case cases[] = {
      {BENT_LINE, 1.0, 2.0, 1e-5, 1e-5, 2.0, PETSC_FALSE, PETSC_FALSE},
      {BENT_LOG, 1.0, 1.5, 1e-5, 1e-5, 2.0, PETSC_FALSE, PETSC_FALSE},
      {BENT_LOG, 1.0, 1.5, 1e-5, 1e-5, 2.0, PETSC_TRUE, PETSC_FALSE},
      {BENT_LOG, 1.0, 1.5, 1e-5, 1e-4, 4.0, PETSC_FALSE, PETSC_FALSE},
      {BENT_LOG, 1.0, 1.5, 1e-2, 1e-5, 2.0, PETSC_FALSE, PETSC_TRUE},
      {BENT_LOG, 1.0, 1.5, 1e-9, 1e-7, 2.0, PETSC_FALSE, PETSC_FALSE},
      {BENT_FOLD, 1e-4, 0.25, 1e-5, 1e-4, 2.0, PETSC_FALSE, PETSC_FALSE},
      {BENT_EXP, 1.0, 20.0, 1e-5, 1e-5, 2.0, PETSC_TRUE, PETSC_FALSE},
  };

  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) PetscCall(Approach(&cases[k]));
  PetscCall(Cost(PETSC_FALSE));
  PetscCall(Cost(PETSC_TRUE));
  PetscCall(PetscFinalize());
  return 0;
}
