static char help[] =
    "Derivatives that are wrong in the coupling to one field of a state, or to one component of a block, whose numbers are a\n\
small part of those of the others: refused, with its name, or made right. Right ones are taken, and the check tells both.\n";

#include "support/pairs.h"

static const PetscReal units[3] = {1.0, 1e-5, 1e-8};

/* How the layouts name the second component of a block; the second field of the state of a DMDA has a name */
static const char *const fields[4] = {"1 of the 2 in a block", "1 of the 2 in a block", "field \"", "1 of the nest"};

static const char *Name(PairsLayout layout, PairsFault fault)
{
  return layout == PAIRS_DA && (fault == PAIRS_J || fault == PAIRS_STATE) ? "\"heat\"" : fields[layout];
}

static PetscBool OfObjective(PairsFault fault)
{
  return (PetscBool)(fault == PAIRS_STATE || fault == PAIRS_PARAMETER);
}

/* All together hide what is a small part of a row; each part of the value is asked anyway */
static PetscBool Named(PetscReal T, PairsFault fault)
{
  return (PetscBool)(fault && fault != PAIRS_ADJOINT && (T < 1e-6 || OfObjective(fault)));
}

static PetscErrorCode VJP(Pairs *p, Vec mbar)
{
  Vec ubar;

  PetscFunctionBeginUser;
  PetscCall(VecDuplicate(p->u, &ubar));
  PetscCall(PairsCotangent(p, ubar));
  PetscCall(DiniVJP(p->dini, ubar, mbar));
  PetscCall(VecDestroy(&ubar));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode ObjectiveGradient(Pairs *p, Vec g)
{
  const PetscScalar *from;
  PetscScalar       *to;
  PetscReal          value;
  Vec                m;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(p->dini, &m));
  PetscCall(VecGetArrayRead(p->m, &from));
  PetscCall(VecGetArray(m, &to));
  PetscCall(PetscArraycpy(to, from, 2 * p->n));
  PetscCall(VecRestoreArray(m, &to));
  PetscCall(VecRestoreArrayRead(p->m, &from));
  PetscCall(DiniComputeObjectiveAndGradient(p->dini, m, &value, g));
  PetscCall(VecDestroy(&m));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode Right(Pairs *p, PetscBool objective, PetscReal rtol)
{
  Vec            g, reference;
  PetscReal      distance;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(DiniCreateParameterVec(p->dini, &g));
  PetscCall(VecDuplicate(p->u, &reference));
  if (objective) PetscCall(ObjectiveGradient(p, g));
  else PetscCall(VJP(p, g));
  PetscCall(PairsReference(p, objective, reference));
  PetscCall(PairsDistance(p, g, reference, &distance));
  PetscCall(DiniGetStatistics(p->dini, &s));
  DiniTestTrue(distance <= rtol + 10.0 * s.gradient_error, "a gradient with units of %g is off by %g, and claims %g",
               (double)p->T, (double)distance, (double)s.gradient_error);
  PetscCall(VecDestroy(&g));
  PetscCall(VecDestroy(&reference));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Refused, with a name where the other field hides it */
static PetscErrorCode Refused(PetscReal T, PairsLayout layout, PairsFault fault, PetscBool shell)
{
  static const char *const words[6] = {"",      "The Jacobian is not dF/du", "is not dF/dm", "dJ/du",
                                       "dJ/dm", "The adjoint product"};
  Pairs                    p;
  Vec                      g;

  PetscFunctionBeginUser;
  PetscCall(PairsCreate(T, layout, fault, shell, DINISHELL, &p));
  PetscCall(DiniCreateParameterVec(p.dini, &g));
  DiniTestExpectAny(OfObjective(fault) ? ObjectiveGradient(&p, g) : VJP(&p, g),
                    Named(T, fault) ? Name(layout, fault) : words[fault]);
  PetscCall(VecDestroy(&g));
  PetscCall(PairsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The check, which wants solves beside the point, says the same */
static PetscErrorCode Checked(PetscReal T, PairsLayout layout, PairsFault fault)
{
  static const char *const words[5] = {"", "J v", "F_m dm of \"m\"", "dJ/du of the objective",
                                       "dJ/dm of the objective"};
  Pairs                    p;
  PetscViewer              viewer;
  char                     text[8192];

  PetscFunctionBeginUser;
  PetscCall(PairsCreate(T, layout, fault, PETSC_FALSE, DINISHELL, &p));
  PetscCall(DiniTestTextOpen(&viewer));
  if (fault) DiniTestExpectAny(DiniCheck(p.dini, viewer), words[fault]);
  else PetscCall(DiniCheck(p.dini, viewer));
  PetscCall(DiniTestTextClose(&viewer, text, sizeof(text)));
  if (Named(T, fault)) PetscCall(DiniTestTextHas(text, Name(layout, fault)));
  if (!fault) PetscCall(DiniTestTextHas(text, "each field of v alone"));
  PetscCall(PairsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What the solver gives is wrong: differences take its place, as good as they say, or nothing does */
static PetscErrorCode Replaced(PetscReal T, PairsLayout layout, PairsFault fault)
{
  PetscErrorCode failed;
  PetscBool      lies;
  Pairs          p;

  PetscFunctionBeginUser;
  PetscCall(PairsCreate(T, layout, fault, PETSC_FALSE, DINISNES, &p));
  PetscCall(DiniTestCatch());
  failed = Right(&p, PETSC_FALSE, 1e-8);
  lies   = (PetscBool)(failed && strstr(DiniTestMessages(), "claims"));
  PetscCall(DiniTestRelease());
  DiniTestTrue(!lies, "units of %g: a gradient by differences in the place of J is off by more than it claims",
               (double)T);
  DiniTestTrue(!failed || T < 1e-6, "units of %g: no differences in the place of a wrong J", (double)T);
  PetscCall(PairsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing is refused that is right, nor by the check */
static PetscErrorCode Taken(PetscReal T, PairsLayout layout, PetscBool shell)
{
  Pairs p;

  PetscFunctionBeginUser;
  PetscCall(PairsCreate(T, layout, PAIRS_RIGHT, shell, DINISHELL, &p));
  PetscCall(Right(&p, PETSC_FALSE, 1e-9));
  PetscCall(Right(&p, PETSC_TRUE, 1e-9));
  PetscCall(PairsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Residuals of the gradients at the first point and the third */
static PetscErrorCode Residuals(PairsLayout layout, PetscInt count[2])
{
  Pairs          p;
  Vec            g;
  DiniStatistics s;

  PetscFunctionBeginUser;
  PetscCall(PairsCreate(1.0, layout, PAIRS_RIGHT, PETSC_FALSE, DINISHELL, &p));
  PetscCall(DiniCreateParameterVec(p.dini, &g));
  for (int point = 0; point < 3; point++) {
    PetscCall(VecScale(p.m, 1.0 + 0.1 * point));
    PetscCall(DiniSolve(p.dini, p.u));
    PetscCall(DiniResetStatistics(p.dini));
    PetscCall(VJP(&p, g));
    PetscCall(DiniGetStatistics(p.dini, &s));
    if (point != 1) count[point / 2] = s.residuals;
  }
  PetscCall(VecDestroy(&g));
  PetscCall(PairsDestroy(&p));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Two for each field and each component, at the first point; nothing where there is one of them */
static PetscErrorCode Costs(void)
{
  PetscInt several[2], plain[2];

  PetscFunctionBeginUser;
  PetscCall(Residuals(PAIRS_BLOCK, several));
  PetscCall(Residuals(PAIRS_PLAIN, plain));
  DiniTestCount(several[0] - plain[0], 8, "residuals for two fields and two components");
  DiniTestCount(several[1], plain[1], "residuals at the third point");
  PetscFunctionReturn(PETSC_SUCCESS);
}

int main(int argc, char **argv)
{
  PetscFunctionBeginUser;
  PetscCall(PetscInitialize(&argc, &argv, NULL, help));
  PetscCall(DiniTestForgiveLeaks());
  for (int unit = 0; unit < 3; unit++)
    for (int layout = PAIRS_BLOCK; layout <= PAIRS_NEST; layout++) {
      if (layout != PAIRS_BLOCK && unit != 1 + layout % 2) continue; /* one will do */
      for (int shell = layout == PAIRS_NEST; shell < (unit ? 2 : 1); shell++) {
        PetscCall(Taken(units[unit], (PairsLayout)layout, (PetscBool)shell));
        PetscCall(Refused(units[unit], (PairsLayout)layout, PAIRS_J, (PetscBool)shell));
      }
      for (int fault = PAIRS_FM; fault <= PAIRS_PARAMETER; fault++)
        PetscCall(Refused(units[unit], (PairsLayout)layout, (PairsFault)fault, (PetscBool)(layout == PAIRS_NEST)));
      PetscCall(Refused(units[unit], (PairsLayout)layout, PAIRS_ADJOINT, PETSC_TRUE));
      if (layout != PAIRS_BLOCK) continue;
      for (int fault = PAIRS_RIGHT; fault <= PAIRS_PARAMETER && unit == 2; fault++)
        PetscCall(Checked(units[unit], (PairsLayout)layout, (PairsFault)fault));
      PetscCall(Replaced(units[unit], (PairsLayout)layout, PAIRS_J));
      PetscCall(Replaced(units[unit], (PairsLayout)layout, PAIRS_PATTERN));
    }
  PetscCall(Costs());
  PetscCall(PetscFinalize());
  return 0;
}
