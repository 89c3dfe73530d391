package javax.annotation;

/** What generated sources are marked with; the JDK has it no more, and the generator's jar holds only its neighbours. */
public @interface Generated {
    String[] value();

    String date() default "";

    String comments() default "";
}
