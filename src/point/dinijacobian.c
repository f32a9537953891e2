/*
  Where J comes from. What the application or its solver gives is taken when it is dF/du. A Picard matrix, an approximate
  Jacobian, or that of a preconditioned function is not: then J comes from differences of F, verified by a product, and the
  given matrix stays what it is good for, a preconditioner (defect correction).
*/
#include "../private/diniguardimpl.h"

#define DINI_CHANCE       10.0 /* times what the columns are good to: no longer chance */
#define GIVEN_DIFFERENCED 1e-4 /* one-sided differences of PETSc's, where somebody insists on them */
#define DIFFERENCES_LOOSE 1e-8 /* what Dini's own miss of the terms of a row, along a field of smaller ones */
#define GIVEN_LOOSE       1e-6 /* what they miss of the terms of a row, along a direction in a field of smaller ones */

const char *const DiniWays_Private[] = {"none", "coloured differences on the pattern of the solver's mesh",
                                        "coloured differences on the pattern of the given matrix",
                                        "a difference for each column", "products by differences"};

PetscErrorCode DiniJacobianReset_Private(Dini dini)
{
  DiniJacobianSource *s = &dini->source;

  PetscFunctionBegin;
  PetscCall(DiniShellDestroy_Private(&s->J, dini));
  PetscCall(DiniColoringDestroy_Private(&s->coloring));
  s->used        = DINI_JACOBIAN_AUTO;
  s->way         = DINI_WAY_NONE;
  s->differenced = PETSC_FALSE;
  s->thin        = PETSC_FALSE;
  s->accepts     = PETSC_FALSE;
  s->strict      = PETSC_FALSE;
  s->error = s->apart = s->rough = 0.0;
  s->why[0]                      = 0;
  s->fits                        = 0;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* One more thing that has not served, for the error message and for DiniView() */
static PetscErrorCode DiniNote(Dini dini, const char what[], const char why[])
{
  char line[256];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(line, sizeof(line), "%s%s: %s", dini->source.why[0] ? "; " : "", what, why));
  PetscCall(DiniAppend_Private(dini->source.why, sizeof(dini->source.why), line));
  PetscCall(PetscInfo(dini, "Jacobian: %s: %s\n", what, why));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Has J the layout of the state? Asked once of a matrix */
static PetscErrorCode DiniJacobianFits(Dini dini, Mat J)
{
  PetscInt      m, n;
  PetscBool     any;
  PetscObjectId id;

  PetscFunctionBegin;
  PetscCall(PetscObjectGetId((PetscObject)J, &id));
  if (id == dini->source.fits) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(MatGetLocalSize(J, &m, &n));
  PetscCall(DiniOtherLayout_Private(PetscObjectComm((PetscObject)dini), (PetscObject)J, dini->n, dini->n, &any));
  PetscCheck(!any, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_SIZ,
             "%s: The Jacobian has %" PetscInt_FMT " local rows and %" PetscInt_FMT
             " local columns where the state has %" PetscInt_FMT " local entries",
             DiniLabel_Private(dini), m, n, dini->n);
  dini->source.fits = id;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* The application's own J where it gave one, else the type's, at the point. J NULL: nobody gives one; P may be. */
static PetscErrorCode DiniGivenJacobian(Dini dini, Mat *J, Mat *P)
{
  PetscFunctionBegin;
  *J = *P = NULL;
  if (dini->Juser) {
    *J = dini->Juser;
    *P = dini->Puser;
    if (dini->jacobian) {
      DiniCallUserReads(dini, dini->u, "The Jacobian callback (DiniSetJacobian())",
                        (*dini->jacobian)(dini, dini->u, *J, *P, dini->jacobianctx));
      dini->stats.jacobian_assemblies++;
    }
  } else if (dini->ops->jacobian) PetscUseTypeMethod(dini, jacobian, dini->u, J, P);
  if (*J && !*P) *P = *J;
  if (!*J) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->Juser && dini->jacobian) PetscCall(DiniFilled_Private(*J));
  PetscCall(DiniJacobianFits(dini, *J));
  if (dini->beside) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniMark_Private(*J, &dini->held));
  dini->heldsince = dini->callouts;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* " along v in field "T" alone" */
static PetscErrorCode DiniAlong(Dini dini, const DiniSlope *slope, char along[], size_t size)
{
  DiniParts parts;
  char      name[80];

  PetscFunctionBegin;
  along[0] = 0;
  if (slope->part < 0) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniPartsOfState_Private(dini, NULL, &parts));
  PetscCall(DiniPartName_Private(dini, &parts, slope->part, name, sizeof(name)));
  PetscCall(PetscSNPrintf(along, size, " for v in %s alone", name));
  PetscCall(DiniPartsDestroy_Private(&parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/*
  Is the given J dF/du, as far as differences can tell? Asked once for an object, again after a point that could not tell,
  or u = 0, where much that is wrong elsewhere is right, where u has moved by an order or J is said to be a constant, and at
  each point where it has been found to be no more than close. What the application has called exact, and what it insists on, is an error where it is not: a SNES alone may iterate with
  something else.
*/
static PetscErrorCode DiniGivenServes(Dini dini, Mat J, PetscBool again, PetscBool *serves)
{
  const PetscBool insists = (PetscBool)(dini->Juser || !dini->ops->pattern || dini->source.type == DINI_JACOBIAN_GIVEN);
  DiniSlope       slope;
  PetscReal       unorm;
  PetscBool       mffd, rough, fields, eliminated = PETSC_FALSE;
  char            why[256], along[96];

  PetscFunctionBegin;
  PetscCall(PetscObjectTypeCompare((PetscObject)J, MATMFFD, &mffd));
  *serves = (PetscBool)(!mffd || insists);
  if (!*serves) PetscCall(DiniNote(dini, "the solver's own", "is applied by one-sided differences, too inexact"));
  if (!*serves) PetscFunctionReturn(PETSC_SUCCESS);
  if (!(dini->guard || (dini->inside && !insists))) PetscFunctionReturn(PETSC_SUCCESS);
  dini->source.error = dini->source.apart;
  if (dini->guarded && !again && dini->source.apart <= DINI_CLOSE) PetscFunctionReturn(PETSC_SUCCESS);
  rough  = (PetscBool)(mffd || dini->source.differenced);
  fields = (PetscBool)(!dini->guarded || dini->source.fieldstate != dini->source.rangestate);
  PetscCall(DiniGuardJacobian_Private(dini, J, fields, rough ? GIVEN_LOOSE : 0.0, &slope));
  dini->source.fieldstate = dini->source.rangestate;
  dini->source.error = dini->source.apart = slope.apart;
  PetscCall(DiniAlong(dini, &slope, along, sizeof(along)));
  *serves = (PetscBool)(slope.wrong <= (rough ? GIVEN_DIFFERENCED : DINI_GUARD_RTOL));
  if (!*serves && insists && slope.moved && slope.part < 0)
    PetscCall(DiniGuardEliminated_Private(dini, J, &eliminated));
  PetscCheck(
      !eliminated, PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: The Jacobian is not dF/du: it lacks columns that F has. Rows with nothing but a diagonal, as of Dirichlet "
      "values, have lost their columns too (MatZeroRowsColumns() does that), while F goes on reading u there. Keep "
      "the columns (MatZeroRows()), let F read the boundary values instead of u, or take differences with "
      "-dini_jacobian_type coloring",
      DiniLabel_Private(dini));
  PetscCheck(
      *serves || (!insists && slope.moved), PetscObjectComm((PetscObject)dini), PETSC_ERR_ARG_WRONG,
      "%s: The Jacobian is not dF/du: J v and differences of F disagree by a relative %g%s%s. A Picard or an otherwise "
      "approximate matrix is no Jacobian: give the exact one with DiniSetJacobian() (the solver keeps its own), take "
      "differences with -dini_jacobian_type coloring, or, if F is not smooth here, switch this guard off with "
      "-dini_guard 0",
      DiniLabel_Private(dini), (double)slope.wrong, along, slope.moved ? "" : ", and F does not change with u at all");
  if (!*serves) {
    dini->source.strict = (PetscBool)(slope.part >= 0);
    PetscCall(PetscSNPrintf(why, sizeof(why), "is not dF/du, J v and differences of F disagree by a relative %g%s",
                            (double)slope.wrong, along));
    PetscCall(DiniNote(dini, "the solver's own", why));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniNorm_Private(dini->u, &unorm));
  if (unorm > 0.0 && slope.informative) dini->guarded = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Field by field, where J by differences is new: rows of one field may know next to nothing of another one */
static PetscErrorCode DiniTryFields(Dini dini, Mat *J, PetscReal *error, char text[], size_t size, const char **why)
{
  DiniJacobianSource *s = &dini->source;
  DiniSlope           slope;
  char                along[96];

  PetscFunctionBegin;
  if (!dini->guard && !dini->inside) PetscFunctionReturn(PETSC_SUCCESS);
  if (dini->guarded && s->fieldstate == s->rangestate) {
    *error = PetscMax(*error, s->fields);
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniGuardFields_Private(dini, *J, DIFFERENCES_LOOSE, &slope));
  s->fieldstate = s->rangestate;
  s->fields     = slope.apart;
  *error        = PetscMax(*error, slope.apart);
  if (slope.part < 0 && !(s->strict && slope.apart > DINI_ROUGH)) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniAlong(dini, &slope, along, sizeof(along)));
  PetscCall(PetscSNPrintf(text, size, "miss J v by a relative %g%s", (double)slope.apart, along));
  *why = text;
  *J   = NULL;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J by differences in this way, verified at each point: a pattern that lacks entries must not give a J without them. */
static PetscErrorCode DiniTryWay(Dini dini, DiniJacobianWay way, Mat P, Mat *J)
{
  DiniJacobianSource *s = &dini->source;
  const char         *why;
  char                text[256];
  PetscReal           error = 0.0;

  PetscFunctionBegin;
  PetscCall(DiniDifferenceJacobian_Private(dini, way, P, J, &why));
  if (*J && way == DINI_WAY_APPLY) PetscCall(DiniGuardProducts_Private(dini, &error));
  else if (*J) {
    if (dini->guard || dini->inside) PetscCall(DiniGuardDifferences_Private(dini, *J, PETSC_TRUE, &error));
    error = PetscMax(error, s->missed);
    if (error > PetscMax(DINI_DIFFERENCE_RTOL, DINI_CHANCE * s->columns) && (dini->guard || dini->inside)) {
      PetscCall(PetscSNPrintf(text, sizeof(text), "miss J v by a relative %g, so entries are missing in the pattern",
                              (double)error));
      why = text;
      *J  = NULL;
    }
    error = PetscMax(error, s->columns);
  }
  if (*J && error > DINI_ROUGH && (dini->guard || dini->inside)) {
    PetscCall(PetscSNPrintf(text, sizeof(text),
                            "are apart by a relative %g at different steps: F is not smooth here, or noisy",
                            (double)error));
    why      = text;
    *J       = NULL;
    s->rough = error;
  }
  if (*J && way != DINI_WAY_APPLY) PetscCall(DiniTryFields(dini, J, &error, text, sizeof(text), &why));
  if (*J) {
    s->error  = error;
    s->way    = way;
    s->filled = s->coloring;
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniNote(dini, DiniWays_Private[way], why));
  PetscCall(DiniShellDestroy_Private(&s->J, dini));
  PetscCall(DiniColoringDestroy_Private(&s->coloring));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Goes through the ways from the one that served at the last point to the last one allowed. */
static PetscErrorCode DiniTryWays(Dini dini, DiniJacobianWay first, DiniJacobianWay last, Mat P, Mat *J)
{
  DiniJacobianSource *s = &dini->source;

  PetscFunctionBegin;
  *J = NULL;
  if (!dini->residual && !dini->ops->residual) PetscFunctionReturn(PETSC_SUCCESS);
  for (int way = (int)PetscMax(first, s->way); way <= (int)last && !*J; way++)
    PetscCall(DiniTryWay(dini, (DiniJacobianWay)way, P, J));
  if (*J && dini->guard) dini->guarded = PETSC_TRUE;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* What a preconditioner can be built from: an assembled matrix with values in it */
static PetscErrorCode DiniPreconditions(Dini dini, Mat P, PetscBool *yes)
{
  PetscBool hollow;

  PetscFunctionBegin;
  *yes = (PetscBool)(P != NULL);
  if (!P) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscObjectTypeCompareAny((PetscObject)P, &hollow, MATMFFD, MATSHELL, ""));
  if (DiniJacobianFuller_Private(dini)) hollow = PETSC_TRUE;
  *yes = (PetscBool)(!hollow && (!dini->Juser || dini->jacobian)); /* a matrix without a callback gives its pattern */
  PetscFunctionReturn(PETSC_SUCCESS);
}

static const struct {
  DiniJacobianWay first, last;
} DiniWayRange[] = {{DINI_WAY_MESH, DINI_WAY_APPLY},  /* auto */
                    {DINI_WAY_APPLY, DINI_WAY_NONE},  /* given: none */
                    {DINI_WAY_MESH, DINI_WAY_GIVEN},  /* coloring */
                    {DINI_WAY_DENSE, DINI_WAY_DENSE}, /* fd */
                    {DINI_WAY_APPLY, DINI_WAY_APPLY}};

/* J by differences, Dini's own or else those of the solver, which then are *taken and count as given */
static PetscErrorCode DiniFindDifferences(Dini dini, Mat given, Mat *J, Mat *P, Mat *taken)
{
  DiniJacobianSource   *s      = &dini->source;
  const DiniJacobianWay first  = DiniWayRange[s->type].first;
  const DiniJacobianWay most   = DiniWayRange[s->type].last;
  const DiniJacobianWay last   = s->strict ? PetscMin(most, DINI_WAY_DENSE) : most; /* products show no field */
  const PetscBool       other  = (PetscBool)(!given && s->differenced && s->type == DINI_JACOBIAN_AUTO);
  PetscBool             serves = PETSC_FALSE, whole = PETSC_TRUE;
  const char           *why;

  PetscFunctionBegin;
  *taken = NULL;
  PetscCall(DiniTryWays(dini, first, other ? DINI_WAY_DENSE : last, *P, J));
  if (*J || !other) PetscFunctionReturn(PETSC_SUCCESS);
  s->accepts = PETSC_TRUE;
  PetscCall(DiniGivenJacobian(dini, J, P));
  if (*J && s->thin) PetscCall(DiniThinPattern_Private(dini, *J, &whole, &why));
  if (!whole) *J = NULL;
  if (*J) PetscCall(DiniGivenServes(dini, *J, PETSC_TRUE, &serves));
  if (*J && serves) {
    *taken   = *J;
    s->used  = DINI_JACOBIAN_GIVEN;
    s->error = PetscMax(s->error, s->rough); /* one-sided ones are no better */
  } else PetscCall(DiniTryWays(dini, DINI_WAY_APPLY, last, *P, J));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J at the point, and what its preconditioner is built from. J is NULL when only the user's linear solves know it. */
PetscErrorCode DiniJacobianFind_Private(Dini dini, Mat *J, Mat *P)
{
  DiniJacobianSource    *s      = &dini->source;
  const DiniJacobianType asked  = s->type == DINI_JACOBIAN_AUTO ? s->used : s->type;
  const PetscBool        own    = (PetscBool)(dini->linearsolve[DINI_TANGENT] || dini->linearsolve[DINI_ADJOINT]);
  PetscBool              serves = PETSC_FALSE, preconditions, again, suspect;
  PetscReal              apart  = 0.0;
  Mat                    given, taken;

  PetscFunctionBegin;
  if (!s->way) s->why[0] = 0;
  s->error = s->columns = s->missed = s->lost = 0.0;
  s->filled                                   = NULL;
  PetscCall(DiniRangeMoved_Private(dini->u, &s->range, &again));
  again = (PetscBool)(again || s->asks);
  if (again) s->rangestate++;
  s->asks = PETSC_FALSE;
  if (dini->Juser && !dini->jacobian) again = PETSC_TRUE; /* a constant, they say */
  PetscCall(DiniGivenJacobian(dini, &given, P));
  PetscCall(DiniJacobianSuspect_Private(dini, given, &suspect));
  if (s->renewed || suspect) again = PETSC_TRUE;
  s->renewed = s->newpoint = PETSC_FALSE;
  *J                       = given;
  if (given && (asked == DINI_JACOBIAN_AUTO || asked == DINI_JACOBIAN_GIVEN)) {
    PetscCall(DiniGivenServes(dini, given, again, &serves));
    if (serves) {
      if (suspect) s->steady.constant = PETSC_TRUE;
      if (s->differenced && dini->ops->pattern && (dini->guard || dini->inside))
        PetscCall(DiniGuardDifferences_Private(dini, given, PETSC_FALSE, &apart));
      apart    = PetscMax(apart, s->accepts ? s->rough : 0.0);
      s->error = PetscMax(PetscMax(s->error, apart), s->columns); /* enters the error of gradients */
      s->used  = DINI_JACOBIAN_GIVEN;
      PetscFunctionReturn(PETSC_SUCCESS);
    }
  }
  *J = NULL;
  if (asked == DINI_JACOBIAN_AUTO && !given && !*P && own) PetscFunctionReturn(PETSC_SUCCESS);
  if (!given && !s->way)
    PetscCall(DiniNote(dini, "given",
                       s->differenced ? "one-sided differences, too inexact"
                       : *P           ? "a Picard or otherwise approximate matrix"
                                      : "none"));
  PetscCall(DiniFindDifferences(dini, given, J, P, &taken));
  if (!*J || *J == taken) PetscFunctionReturn(PETSC_SUCCESS);
  s->used = s->way == DINI_WAY_APPLY   ? DINI_JACOBIAN_MF
            : s->way == DINI_WAY_DENSE ? DINI_JACOBIAN_FD
                                       : DINI_JACOBIAN_COLORING;
  PetscCall(DiniCopyNullSpaces_Private(given ? given : *P, *J));
  PetscCall(DiniPreconditions(dini, *P, &preconditions));
  PetscCall(PetscInfo(dini, "The Jacobian is made by %s%s\n", DiniWays_Private[s->way],
                      preconditions ? "; the given matrix preconditions" : ""));
  if (!preconditions) *P = *J;
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J assembled, in place of a given one that can only be applied; NULL where no way leads there, and source.why says so. */
PetscErrorCode DiniJacobianAssembled_Private(Dini dini, Mat given, Mat P, Mat *J)
{
  PetscErrorCode (*own)(Dini, Mat *); /* of the type */

  PetscFunctionBegin;
  *J = NULL;
  PetscCall(PetscObjectQueryFunction((PetscObject)dini, "DiniAssembled_C", &own));
  if (own && !dini->Juser) {
    PetscCall((*own)(dini, J));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  if (dini->source.used != DINI_JACOBIAN_GIVEN || dini->source.type != DINI_JACOBIAN_AUTO)
    PetscFunctionReturn(PETSC_SUCCESS);
  if (!dini->source.way) dini->source.why[0] = 0;
  PetscCall(DiniTryWays(dini, DINI_WAY_MESH, DINI_WAY_DENSE, P, J));
  if (!*J) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(DiniCopyNullSpaces_Private(given, *J));
  PetscCall(PetscInfo(dini, "The given Jacobian can only be applied: assembled for adjoints by %s\n",
                      DiniWays_Private[dini->source.way]));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* J where the object is, beside its point, from the same source as at the point and in the same matrix. */
PetscErrorCode DiniJacobianBeside_Private(Dini dini, Mat *J)
{
  const DiniJacobianSource *s = &dini->source;
  PetscBool                 transposes;
  const char               *why;
  Mat                       P;

  PetscFunctionBegin;
  *J = NULL;
  if (s->used == DINI_JACOBIAN_AUTO || s->used == DINI_JACOBIAN_GIVEN) {
    PetscCall(DiniGivenJacobian(dini, J, &P));
    if (!*J || !s->way) PetscFunctionReturn(PETSC_SUCCESS);
    PetscCall(DiniHasAdjoint_Private(*J, &transposes));
    if (transposes) PetscFunctionReturn(PETSC_SUCCESS);
  }
  PetscCall(DiniDifferenceJacobian_Private(dini, s->way, NULL, J, &why));
  PetscFunctionReturn(PETSC_SUCCESS);
}
